"""The drill: breaks workers on purpose, on the user's own settings, and looks whether the counters are right.

``python manage.py drill`` starts one process on a settings module of its own (``settings.py``), which is the user's
with another database, another key prefix and a short lease. That process makes the database, starts real workers in
it, breaks them (``faults.py``, ``bodies.py``), and takes down all that it made. What happened is told by a record that
the bodies of the jobs write to a plain file (``record.py``), so that the queue need not bear witness for itself.

``--naive`` has the first of these faults happen to the kind of queue that this app replaces (``naive.py``): a list, and
a lock that expires.
"""
