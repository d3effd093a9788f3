"""The soak: random faults of every kind under full load, and a look at everything that came of it.

::

    python -m tests.soak --minutes 30 --seed 7          (make soak ARGS="…")

Each database has a process of its own (``house``), with servers of its own, workers (``crew``), enqueuers (``load``)
and an outside observer (``watch``). It works in chapters: first one fault of every kind, one at a time; then a storm of
several at once; then quiet, until every job has ended; then ``verdict`` compares what bodies, enqueuers and operators
wrote down in plain files (``history``) with what the database says. What it finds is 0, or the run has failed. It has
also failed when a defence was never needed (``sometimes``): then the faults were too weak to prove anything.

The seed decides which faults come when and whom they hit (``schedule``). This is also a Django app, for its tables.
"""
