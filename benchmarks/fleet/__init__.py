"""A fleet of workers on one PostgreSQL and one Redis, on paper: ``python -m benchmarks.fleet``.

A discrete simulation of what `jobqueue.worker` does against its servers: when it asks what, and who waits for whom.
What each request costs the servers is measured by the scenario `costs`; the fleet, the jobs and the machines are made
up. It says where a fleet bends, not how fast it is to the percent. docs/scale.md draws the conclusions.
"""
