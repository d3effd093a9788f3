"""How each queue is told to enqueue: `TASKS` and two functions a module. They are imported by `client` and by workers,
in an environment that has the queue installed; the harness itself imports none of them.
"""
