"""One plan from its beginning to its end: while things go wrong, after that, and what has to be true then."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from random import Random
from typing import Any, cast
from uuid import UUID

from django.db import DatabaseError, connections, transaction
from django.tasks import task_backends
from django.tasks.signals import task_finished

from jobqueue import lifecycle, schedules
from jobqueue.backend import JobQueueBackend
from jobqueue.errors import JobQueueError
from jobqueue.models import Schedule
from jobqueue.worker.supervisor import Settings, Supervisor
from tests.simulation import current
from tests.simulation.faults import Faults
from tests.simulation.later import schedule_of
from tests.simulation.plan import Job, Plan
from tests.simulation.redis import Memory
from tests.simulation.repertoire import TASKS
from tests.simulation.server import Server
from tests.simulation.sqlite import SETTINGS
from tests.simulation.tasks import COUNTER
from tests.simulation.tasks import TASKS as FIRST_TASKS
from tests.simulation.watch import Violation, Watch
from tests.simulation.world import Actor, Process, World

_FAULTS_LAST = 12.0


@dataclass
class Worker:
    """A worker, and what the simulation asks of it."""

    process: Process
    supervisor: Supervisor

    def trusted_for(self) -> float:
        """Return for how long it may still believe that it owns its claims."""
        until: float = self.supervisor._trust._until.value
        return until - (self.process.world.now + self.process.pid * 10.0)


class Simulation:
    """A world with workers, clients, and somebody in the admin."""

    def __init__(self, plan: Plan, server: Server, look: sqlite3.Connection) -> None:
        self.plan = plan
        self.world = current.world = World(Random(plan.seed), restlessness=plan.restlessness)
        current.simulation = self
        self.server, self.redis = server, Memory()
        self.redis_down_until = 0.0
        server.begin(look)
        SETTINGS["OPTIONS"]["transaction_mode"] = None if plan.deferred else "IMMEDIATE"
        self.backend_name = "default" if plan.redis else "plain"
        self.backend = cast(JobQueueBackend, task_backends[self.backend_name])
        self.options = self.backend.settings
        # A worker that knows of limits looks for jobs with some: only where there are any.
        self.tasks = [*FIRST_TASKS.values(), *(TASKS[kind] for kind in sorted(plan.later_kinds()))]
        self.schedules = [schedule_of(TASKS["tick"].module_path)] if self.ticks() else []
        self.enqueued: dict[int, str] = {}
        self.calm = False
        self.workers: dict[str, Worker] = {}
        self.clients: list[Actor] = []
        self.watch = Watch(self, self.options)
        self.faults = Faults(self, plan.faults)
        self.world.on_place = self.faults.on_place
        self.world.on_death = self._died

    def ticks(self) -> bool:
        """Return whether there is a schedule; it enqueues into the backend with Redis."""
        return self.plan.ticks and self.plan.redis

    def run(self) -> None:
        """Run everything; raises Violation."""
        if self.plan.listens:
            task_finished.connect(self.watch.finished)
        try:
            self._begin()
            self.world.run_until(self._is_over, until=_FAULTS_LAST)
            self._calm_down()
            bound = self.world.now + 60 * self.options.lease_seconds
            if not self.world.run_until(self._is_over, until=bound):
                raise Violation(f"L1: {[row for row in self.watch.rows.values() if not row.finished_at]} do not end")
            self._check_the_end()
            if self.world.error is not None:  # Nobody is under way any more who would come upon it.
                raise self.world.error
        finally:
            task_finished.disconnect(self.watch.finished)
            self.world.unwind()
            server = self.server
            for session in list(server.sessions):
                server.take_back(session)

    def _begin(self) -> None:
        self.server.look.execute("INSERT INTO app_counter (name, value) VALUES (?, 0)", [COUNTER])
        for _ in range(self.plan.workers):
            self.start_worker()
        for number, job in enumerate(self.plan.jobs):
            process = self.world.process(f"c{number + 1}")
            self.clients.append(process.spawn("client", lambda pair=(number, job): self._enqueue(*pair)))  # type: ignore[misc]

    def start_worker(self) -> None:
        """Start a worker."""
        process = self.world.process(
            f"w{sum(p.name.startswith('w') and not p.parent for p in self.world.processes) + 1}"
        )
        process.spawn("main", lambda: self._work(process))

    def _work(self, process: Process) -> None:
        settings = Settings(queues=("default",), concurrency=self.plan.concurrency, grace=1.0)
        backend = cast(JobQueueBackend, task_backends[self.backend_name])
        supervisor = Supervisor(backend, settings)
        self.workers[supervisor.identity.id] = Worker(process, supervisor)
        process.own["supervisor"] = supervisor
        try:
            supervisor.run()
        except DatabaseError:
            return  # It could not even begin: whoever looks after services starts another.

    def _enqueue(self, number: int, job: Job) -> None:
        world = self.world
        actor = world.here
        assert actor is not None
        world.sleep(job.at)
        key = f"{job.key} {job.kind}" if job.key and TASKS[job.kind].unique is None else None
        task = TASKS[job.kind].using(backend=self.backend_name, idempotency_key=key)
        args = (0.5,) if job.kind == "steps" else ()
        earlier = [self.enqueued[one] for one in job.after if one in self.enqueued]
        if earlier:
            task = task.using(after=earlier, on_failure=job.on_failure)
        with suppress(DatabaseError, JobQueueError), transaction.atomic():
            result = task.enqueue(*args)
            job_id = result.id.replace("-", "")
            if job_id not in self.watch.kinds:
                self.watch.kinds[job_id] = job.kind
                self.watch.later.after[job_id] = tuple(one.replace("-", "") for one in earlier), job.on_failure
                actor.enqueued.add(job_id)
            else:
                self.watch.later.answered(job_id)
            self.enqueued[number] = result.id
            world.at("enqueued")
            if job.rolls_back:
                actor.enqueued.discard(job_id)
                transaction.set_rollback(True)
        connections.close_all()

    def ask_admin(self, verb: str) -> None:
        """Have somebody in the admin do something to each job there is."""
        process = self.world.process(f"admin{len(self.world.processes)}")
        act: dict[str, Callable[[], Any]] = {
            "cancel": lambda: [lifecycle.cancel(job_id) for job_id in self._ids()],
            "retry": lambda: [lifecycle.retry(job_id) for job_id in self._ids()],
            "prune": lambda: lifecycle.prune(self.backend_name, older_than=timedelta(0)),
            "decide": self._decide,
            "reschedule": self._reschedule,
        }

        def run() -> None:
            actor = self.world.here
            assert actor is not None
            actor.own_verb = verb
            with suppress(DatabaseError, JobQueueError):
                act[verb]()
            connections.close_all()

        self.clients.append(process.spawn("admin", run))

    def _decide(self) -> None:
        """Have somebody ask the other side what came of the deliveries in doubt, and say so."""
        for row in list(self.watch.rows.values()):
            if row.outcome == "in_doubt":
                job_id, done = UUID(row.id), self.watch.later.has_called(row.id)
                with suppress(JobQueueError):
                    if done:
                        lifecycle.was_done(job_id, receipt=f"letter {job_id}")
                    else:
                        lifecycle.do_again(job_id)

    def _reschedule(self) -> None:
        """Have somebody delete the schedule, and a worker declare it anew."""
        if self.schedules:
            with transaction.atomic():
                Schedule.objects.all().delete()
                schedules.publish_declared()

    def _ids(self) -> list[Any]:
        return [UUID(job_id) for job_id in self.watch.rows]

    # -- what goes wrong ---------------------------------------------------------------------

    def kill(self, process: Process, *, with_children: bool) -> None:
        """Kill a process, and as the kernel does it, its children with it."""
        process.die(-9)
        if with_children:
            for child in process.children:
                child.die(-9)

    def stop(self, process: Process) -> None:
        """Send SIGTERM."""
        supervisor = process.own.get("supervisor")
        if supervisor is not None and process.alive:
            supervisor.stop()

    def fail_over(self) -> None:
        """Put the database back to its snapshot."""
        if not self.calm:
            self.server.fail_over()
            self.watch.reset()

    def _died(self, process: Process) -> None:
        self.watch.died(process)
        for session in list(self.server.sessions):
            if session.actor.process is process:
                session.close()

    def clocks_lie(self) -> bool:
        """Return whether Redis' clock was set: then a lease says nothing."""
        return self.redis.clock != 0 or self.watch.failed_over

    def overlap_is_excused(self) -> bool:
        """Return whether more than one system was broken."""
        return self.clocks_lie()

    # -- after that --------------------------------------------------------------------------

    def _is_over(self) -> bool:
        for row in self.watch.rows.values():
            if not row.finished_at:
                return False
        if self._is_to_decide():
            return False
        return (
            not self.watch.later.is_ticking()
            and not any(client.alive and client.process.alive for client in self.clients)
            and not any(p.alive and p.is_held() for p in self.world.processes)
            and not any(session.in_flight for session in self.server.sessions)
            and not any(not body.over and body.process.alive for body in self.watch.bodies)
        )

    def _is_to_decide(self) -> bool:
        """Return whether somebody is still to come and decide what is in doubt."""
        to_come = sum(fault.what == "decide" and not isinstance(fault.where, str) for fault in self.plan.faults)
        in_doubt = any(row.outcome == "in_doubt" for row in self.watch.rows.values())
        return in_doubt and not self.calm and self.faults.struck["decide"] < to_come

    def _calm_down(self) -> None:
        world = self.world
        world.note("── from here on nothing goes wrong")
        self.calm = True
        self.faults.end()
        self.server.down_until = self.redis_down_until = 0.0
        self.redis.full = False
        for process in world.processes:
            process.own.pop("cut until", None)
            process.own.pop("redis cut until", None)
            if process.alive and process.stopped:
                process.thaw()
        for session in list(self.server.sessions):
            session.land_late(commits=True)
        alive = sum(p.alive and p.name.startswith("w") and p.parent is None for p in world.processes)
        for _ in range(self.plan.workers - alive):
            self.start_worker()

    def _check_the_end(self) -> None:
        watch = self.watch
        for row in watch.rows.values():
            if row.status == "FAILED" and row.outcome not in ("cancelled", "dependency", "in_doubt"):
                most = 1 if watch.kinds[row.id] in ("stray", "late") else self.options.max_attempts
                spent = row.failures >= most or row.crashes >= self.options.max_crashes
                watch._expect(spent, f"L1: {row} gave up before its budget was spent")
        if not watch.failed_over:
            (bumped,) = self.server.look.execute("SELECT value FROM app_counter WHERE name = ?", [COUNTER]).fetchone()
            done = sum(watch.entries.get(j, {}).get("bump", 0) for j, kind in watch.kinds.items() if kind == "bump")
            watch._expect(bumped == done, f"S1: the counter is {bumped} and {done} jobs raised it")
        watch.later.check_the_end(watch.rows)
        results = [json.loads(row.result) for row in watch.rows.values() if row.result]
        watch._expect(len(results) == len(set(results)), "S3: two jobs have one value")
