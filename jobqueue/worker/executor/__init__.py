"""The executor: a child process that runs one job in each of its seats. Nothing else in the package calls a task.

``process`` is the process and its mailbox, ``perform`` the way of one job from claim to report, ``effects`` where its
writes happen, ``guard`` what the database is watched for meanwhile, ``job`` what the body may ask for. ``threads`` are
seats beside the main thread, and ``running_loop`` is what coroutines share.
"""
