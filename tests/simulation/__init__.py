"""Whole workers, run by a scheduler that decides what happens next: see docs/simulation.md.

::

    world       virtual time, simulated processes and threads, and who goes on next
    place       where everything outside of jobqueue's own code is replaced: threads, processes, pipes, clocks, signals
    threads     what stands in for threads, events, queues; ``processes`` for processes, pipes and shared memory
    server      the database server: real SQLite, whose connections, COMMITs and snapshots can go wrong
    sqlite/     Django's backend for it
    redis       the Redis server: jobqueue's own Lua scripts over a small store with a clock of its own
    tasks       what the jobs do; ``later_tasks`` those that use limits, other jobs, schedules, checkpoints, deliveries
                or unique keys; ``repertoire`` has them all
    plan        one schedule as a value: jobs, faults, interleaving; ``draw`` makes one of a seed, ``faults`` strike
    watch       looks at every committed state, script and report, and keeps books to compare them with; ``later`` keeps
                those of what came later
    run         runs one plan from its beginning to its end
"""
