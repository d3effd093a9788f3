"""Compares every committed state, every script that Redis ran and every report with what is promised.

It keeps books of its own: which tokens there ever were, what succeeded under which, which bodies run.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

from jobqueue.conf import Options
from jobqueue.fence import Fence
from jobqueue.worker.messages import Ended, How, Report, Returned, Run
from tests.simulation import current
from tests.simulation.later import Later
from tests.simulation.redis import INTERPRETER, Memory
from tests.simulation.repertoire import IN_STEPS, LEAVES, TASKS
from tests.simulation.world import Actor, Process

if TYPE_CHECKING:
    from tests.simulation.processes import End
    from tests.simulation.run import Simulation

_ROWS = (
    "SELECT id, status, outcome, attempt, token, worker_id, failures, crashes, result, finished_at, gate, started_at "
    "FROM jobqueue_job"
)
_OWNERS_WORDS = {"ok", "raised", "timed_out", "invalid", "crashed", "released", "in_doubt"}


class Violation(AssertionError):
    """A promise was broken."""


class Row(NamedTuple):
    """A job as it was committed."""

    id: str
    status: str
    outcome: str
    attempt: int
    token: str | None
    worker_id: str
    failures: int
    crashes: int
    result: str | None
    finished_at: str | None
    gate: str
    started_at: str | None


class Body:
    """A body that runs."""

    def __init__(self, fence: Fence, process: Process) -> None:
        self.fence, self.process, self.over = fence, process, False
        self.began = process.world.now

    def runs(self) -> bool:
        """Return whether it is under way in a process that was never held up meanwhile."""
        parent = self.process.parent
        assert parent is not None
        return not self.over and self.process.alive and not (self.process.was_held or parent.was_held)


class Watch:
    """The books."""

    def __init__(self, simulation: Simulation, options: Options) -> None:
        self._simulation, self._options = simulation, options
        self.rows: dict[str, Row] = {}
        self.kinds: dict[str, str] = {}
        self.tokens: set[tuple[str, str]] = set()
        self.succeeded: set[tuple[str, str]] = set()
        self.failed: set[tuple[str, str]] = set()
        self.hooks: set[tuple[str, str]] = set()
        self.entries: dict[str, Counter[str]] = {}
        self.entries_seen = 0
        self.bodies: list[Body] = []
        self.orphaned: dict[tuple[str, str], float] = {}
        self.outside: dict[str, str] = {}
        self.states: set[bytes] = set()
        self.failed_over = False
        self.commits = 0
        self.later = Later(self, simulation)
        self._has_later = bool(simulation.plan.later_kinds())

    # -- the database ------------------------------------------------------------------------

    def committed(self, actor: Actor) -> None:
        """Look at what is committed now, by what an actor has just done."""
        self.commits += 1
        look = self._simulation.server.look
        rows = {row[0]: Row(*row) for row in look.execute(_ROWS)}
        before, self.rows = self.rows, rows
        self._note_ticks()
        fresh = look.execute("SELECT id, job, note FROM app_entry WHERE id > ?", [self.entries_seen]).fetchall()
        for number, job, note in fresh:
            self.entries_seen = number
            step, _, token = note.partition(":")
            self._effect(job, step, token, before.get(job))
        for job_id, row in rows.items():
            if before.get(job_id) != row:
                self._changed(before.get(job_id), row, actor)
        for job_id in before.keys() - rows.keys():
            old = before[job_id].finished_at and before[job_id].outcome != "in_doubt"
            self._expect(actor.own_verb == "prune" and old, f"S2: {before[job_id]} was deleted")
        self._all_or_nothing()
        if self._has_later:
            self.later.committed(before, rows, actor)
        self._note_state()

    def _note_ticks(self) -> None:
        """Take note of the jobs that nobody has enqueued but a schedule."""
        if self._simulation.plan.ticks:
            ticks = "SELECT id FROM jobqueue_job WHERE task_path = ?"
            for (job_id,) in self._simulation.server.look.execute(ticks, [TASKS["tick"].module_path]):
                self.kinds[job_id] = "tick"

    def _expect(self, is_so: Any, otherwise: str) -> None:
        if not is_so:
            self.violated(otherwise)

    def violated(self, how: str) -> None:
        """End the run: whoever is under way might catch an error that was raised here."""
        world = self._simulation.world
        world.note(f"── VIOLATED {how}")
        world.failed(Violation(how))

    def _effect(self, job: str, step: str, token: str, before: Row | None) -> None:
        done = self.entries.setdefault(job, Counter())
        done[step] += 1
        self._expect(done[step] == 1, f"S1: {step} of {job} was committed {done[step]} times")
        row = self.rows.get(job)
        self._expect(row and row.token == token, f"S5: {step} of {job} was committed under {token}, not the fence")
        self._expect(before and before.token == token, f"S5: {step} of {job} was committed under a revoked fence")
        leaves = LEAVES[self.kinds[job]]
        self._expect(leaves and step in leaves, f"S6/S13: {job} must never leave {step}")

    def _all_or_nothing(self) -> None:
        for job_id, row in self.rows.items():
            leaves, done = LEAVES[self.kinds[job_id]], self.entries.get(job_id)
            if row.status == "SUCCESSFUL":
                self._expect(leaves is not None, f"S3: {job_id} cannot succeed")
                self._expect(Counter(leaves) == (done or Counter()), f"S3: {job_id} succeeded and left {done}")
            elif done and self.kinds[job_id] not in IN_STEPS:
                self.violated(f"S3/S13: {job_id} is {row.status} and left {done}")

    def _changed(self, before: Row | None, row: Row, actor: Actor) -> None:
        if before is None:
            self._expect(row.status == "READY" and row.attempt == 0, f"{row.id} began as {row}")
            is_tick = self.kinds[row.id] == "tick"
            self._expect(is_tick or row.id in actor.enqueued, f"S11: {row.id} is visible and nobody's")
            return
        change = (before.status, row.status)
        key = (row.id, before.token or "")
        if change == ("READY", "RUNNING"):
            self._expect(row.attempt == before.attempt + 1, f"S4: {row.id} went from {before.attempt} to {row.attempt}")
            self._expect(row.token and (row.id, row.token) not in self.tokens, f"S4: {row.id} has a token again")
            self.tokens.add((row.id, row.token or ""))
        elif before.status == "RUNNING" and row.status != "RUNNING":
            self._in_time(before)
            self._ended(before, row, actor)
            (self.succeeded if row.status == "SUCCESSFUL" else self.failed).add(key)
        elif change == ("FAILED", "READY"):
            self._expect(actor.own_verb in ("retry", "decide"), f"S2: {row.id} was FAILED and is READY")
        elif change == ("READY", "FAILED"):
            may = actor.own_verb == "cancel" or self.later.may_end_unbegun(row)
            self._expect(may, f"{row.id} failed without being run")
        else:
            self._expect(before.status == row.status == "READY" or change == ("RUNNING", "RUNNING"), f"S2: {change}")
            self._expect(before.token == row.token and before.attempt == row.attempt, f"S4: {before} became {row}")

    def died(self, process: Process) -> None:
        """Take note that a worker is dead, and since when its jobs have nobody."""
        worker = next((key for key, worker in self._simulation.workers.items() if worker.process is process), None)
        for row in self.rows.values():
            if row.status == "RUNNING" and row.worker_id == worker:
                self.orphaned[row.id, row.token or ""] = process.world.now

    def _in_time(self, before: Row) -> None:
        since = self.orphaned.pop((before.id, before.token or ""), None)
        if since is not None:
            waited = self._simulation.world.now - max(since, self._simulation.faults.over_at)
            most = self._options.lease_seconds + 10
            self._expect(waited <= most, f"L1: {before.id} was nobody's for {waited:.1f} s, {most:g} are promised")

    def _ended(self, before: Row, row: Row, actor: Actor) -> None:
        if row.outcome in ("released", "lost", "crashed") and not self._simulation.faults.struck:
            begun = any(body.fence.token.hex == before.token for body in self.bodies)
            own = self.kinds[row.id] == "poison"
            self._expect(own or not begun, f"L5: {row.id} was {row.outcome} while it ran, and nothing was broken")
        if row.outcome == "cancelled":
            self._expect(actor.own_verb == "cancel", f"{row.id} was cancelled by {actor.name}")
        elif row.outcome == "lost" or (row.outcome == "in_doubt" and actor.role == "keeper"):
            judged = actor.judged
            self._expect(
                judged and judged.token.hex == before.token, f"S7: a rescue judged {judged} and revoked {before.token}"
            )
            self._owner_has_stopped(before)
        else:
            self._expect(row.outcome in _OWNERS_WORDS, f"{row.id} ended as {row.outcome}")
            worker = self._simulation.workers.get(before.worker_id)
            ours = actor.process.parent or actor.process
            self._expect(worker and worker.process is ours, f"S5: {ours.name} ended a claim of {before.worker_id}")
            performed = actor.process.own.get("performs")
            if actor.role == "executor" and performed is not None:
                self._expect(performed.token.hex == before.token, f"S5: {actor.name} ended another claim than its own")
        if row.status == "SUCCESSFUL":
            self._expect(row.token == before.token, f"S5: {row.id} succeeded under another token")

    def _owner_has_stopped(self, before: Row) -> None:
        worker = self._simulation.workers.get(before.worker_id)
        if worker is None or not worker.process.alive or worker.process.was_held or self._simulation.clocks_lie():
            return
        left = worker.trusted_for()
        self._expect(left <= 0, f"S12/L5: {before.id} was rescued while {before.worker_id} is trusted for {left:.3f} s")

    def reset(self) -> None:
        """Begin the books anew after the database was put back; no token may repeat all the same."""
        look = self._simulation.server.look
        self.rows = {row[0]: Row(*row) for row in look.execute(_ROWS)}
        self.succeeded, self.failed, self.entries, self.entries_seen = set(), set(), {}, 0
        for row in self.rows.values():
            if row.finished_at and row.token:
                self.succeeded.add((row.id, row.token))
        for number, job, note in look.execute("SELECT id, job, note FROM app_entry ORDER BY id"):
            self.entries_seen = number
            self.entries.setdefault(job, Counter())[note.partition(":")[0]] += 1
        self._note_ticks()
        self.later.reset(self.rows)
        self.failed_over = True

    # -- bodies ------------------------------------------------------------------------------

    def begins(self, fence: Fence) -> Body:
        """Take note that a body begins."""
        actor = current.world.here
        assert actor is not None
        body = Body(fence, actor.process)
        for other in self.bodies:
            if (
                other.fence.job_id == fence.job_id
                and other.runs()
                and body.runs()
                and not self._simulation.overlap_is_excused()
            ):
                self.violated(f"S12: {actor.name} runs {fence.job_id.hex} while {other.process.name} does")
        self.later.begins(body)
        self.bodies.append(body)
        return body

    def told_outside(self, fence: Fence, key: str) -> None:
        """Take note of the key under which something outside was told."""
        known = self.outside.setdefault(fence.job_id.hex, key)
        self._expect(known == key, f"S10: the key was {known} and is {key}")

    def hook(self, fence: Fence) -> None:
        """Take note that a hook ran."""
        key = (fence.job_id.hex, fence.token.hex)
        self._expect(self.failed_over or key in self.succeeded, f"S8: a hook of {key} ran, and nothing is committed")
        self._expect(key not in self.hooks, f"A hook of {key} ran twice")
        self.hooks.add(key)

    def note_stall(self, actor: Actor, _seconds: float) -> None:
        """Take note that a thread stands still."""
        (actor.process.parent or actor.process).was_held = True
        actor.process.was_held = True

    # -- reports -----------------------------------------------------------------------------

    def message(self, end: End, message: object) -> None:
        """Look at what goes through a pipe."""
        if isinstance(message, Run):
            end.other.process.own.setdefault("sent", []).extend(message.claims)
        elif isinstance(message, Returned):
            sent = end.process.own["sent"]
            for serial in message.serials:
                sent[serial - 1] = None
        elif isinstance(message, Report):
            for ended in message.ended:
                self._reported(end.process, ended)

    def _reported(self, process: Process, ended: Ended) -> None:
        sent, number = process.own["sent"], process.own.get("told", 0)
        while sent[number] is None:
            number += 1
        process.own["told"] = number + 1
        if self.failed_over:
            return
        claim = sent[number]
        key = (claim.job_id.hex, claim.token.hex)
        if ended.how == How.SETTLED:
            self._expect(key in self.succeeded, f"S8: {key} was reported as settled and is not")
        elif ended.how == How.FAILED:
            self._expect(key in self.failed, f"S8: {key} was reported as failed and is not")
        elif ended.how == How.LOST and key[0] in self.rows:  # Of one that was pruned meanwhile nothing can be told.
            self._expect(key not in self.succeeded, f"S8: {key} was reported as lost and has succeeded")

    def finished(self, task_result: Any, **_: Any) -> None:
        """Receive Django's signal of a job that finished."""
        job_id = UUID(task_result.id).hex
        done = self.succeeded if task_result.status == "SUCCESSFUL" else self.failed
        if not self.failed_over:
            self._expect(
                any(job == job_id for job, _ in done), f"S8: {job_id} is said to be {task_result.status} and is not"
            )

    # -- Redis -------------------------------------------------------------------------------

    def script(self, memory: Memory, source: str, keys: list[Any], argv: list[Any]) -> Any:
        """Run a script, and look at what it did to leases of others."""
        verb = source.split(":", 1)[0].removeprefix("-- ")
        held = [self._holder(memory, key) for key in keys]
        answer = INTERPRETER.run(memory, source, keys, argv)
        if verb in ("renew", "release"):
            claimants = argv[1::3] if verb == "renew" else argv
            for key, before, claimant in zip(keys, held, claimants, strict=True):
                if before is not None and before != claimant and self._holder(memory, key) != before:
                    self.violated(f"S9: {claimant} touched the lease of {before} by {verb}")
        return answer

    @staticmethod
    def _holder(memory: Memory, key: Any) -> str | None:
        value = memory.peek(key)
        return value.get("holder") if isinstance(value, dict) else None

    # -- how far it got ----------------------------------------------------------------------

    def _note_state(self) -> None:
        simulation = self._simulation
        jobs = sorted(
            (self.kinds[r.id], r.status, r.outcome, r.attempt, r.crashes, r.failures, bool(self.entries.get(r.id)))
            for r in self.rows.values()
        )
        leases = sum(1 for value in simulation.redis.values.values() if isinstance(value, dict))
        processes = [(p.alive, p.is_held()) for p in simulation.world.processes]
        # hash() of a text is another one in each process.
        self.states.add(hashlib.blake2b(repr((jobs, leases, processes)).encode(), digest_size=8).digest())
