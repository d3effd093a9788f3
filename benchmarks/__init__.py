"""Measures jobqueue, and other queues beside it, on servers of its own: `make bench`, or `python -m benchmarks`.

What is measured, how, and what came out is in docs/performance.md. The order to read in: `__main__` (a run), `house`
(servers and databases), `catalogue` (the queues), `scenarios/` (what is measured), `report/` (what becomes of it).
Linux only: processor time and memory are read from /proc.
"""
