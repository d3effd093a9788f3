"""The worker: one parent process that runs no job, and executors, child processes that run one job at a time, or a few.

::

    fork_server   forks what executors are forks of, before anything else begins
    supervisor    starts everything, stops everything in the right order
      dispatcher    the main loop: claims, hands out, collects, settles
        crew          the executors as the parent sees them: starts, feeds, recycles and buries them
          executor/     the child process; the only code that calls a task
      renewer       threads that renew leases and the heartbeat
      watchdog      thread that stops a body whose time or whose trust is over
      listener      thread that waits for hints that something was enqueued
      keeper        thread that rescues orphans and prunes

What they share is small: ``holdings`` (what this worker has claimed), ``trust`` (until when it may believe that it
still owns that), and a ``board`` for each executor (what it runs just now).
"""
