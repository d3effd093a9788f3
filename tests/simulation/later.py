"""Books of what came later: limits, jobs that wait for others, schedules, checkpoints, deliveries, unique jobs.

Begun anew, as those of Watch, when the database is put back; what was told to somebody outside stays told.
"""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from jobqueue.fence import Fence
from jobqueue.planning import Plan, no_arguments
from tests.simulation.world import BEGINNING, Actor

if TYPE_CHECKING:
    from tests.simulation.run import Simulation
    from tests.simulation.watch import Body, Row, Watch

_CHECKPOINTS = "SELECT job_id, value FROM jobqueue_ledgerentry WHERE scope LIKE 'checkpoint:%'"
_TICKED = "SELECT key FROM jobqueue_ledgerentry WHERE scope LIKE 'schedule:%'"
_SCHEDULE = "SELECT id, next_at, last_tick_at FROM jobqueue_schedule"
# The clock of SQLite has no finer moments than a millisecond, and two of them are compared.
_PACE = timedelta(seconds=0.5 - 0.002)
MOMENTS = [datetime.fromtimestamp(BEGINNING + seconds, UTC) for seconds in (1, 2, 3)]


def schedule_of(task_path: str) -> Plan:
    """Return the schedule that there is: a tick each second, all of which are made up for when they were missed."""
    return Plan(
        name="each second",
        task_path=task_path,
        arguments=no_arguments(),
        every=1,
        time_zone="UTC",
        starts_at=MOMENTS[0],
        ends_at=MOMENTS[-1],
        missed="all",
    )


class Schedule(NamedTuple):
    """The row of the schedule."""

    id: int
    next_at: datetime | None
    last_tick_at: datetime | None


class Later:
    """The books."""

    WITHIN_ITS_STEP = 2

    def __init__(self, watch: Watch, simulation: Simulation) -> None:
        self._watch, self._simulation = watch, simulation
        self.after: dict[str, tuple[tuple[str, ...], str]] = {}
        self._ended: set[str] = set()
        self._failed: set[str] = set()
        self._cancelled: set[str | None] = set()
        self._checkpoints: dict[str, int] = {}
        self._calls: Counter[str] = Counter()
        self._refused: set[str] = set()
        self._paced_at: datetime | None = None
        self._schedule: Schedule | None = None
        self._ticked: set[datetime] = set()
        self._expected: set[datetime] = set()

    def committed(self, before: dict[str, Row], rows: dict[str, Row], actor: Actor) -> None:
        """Look at what is committed now."""
        for job_id, row in rows.items():
            was = before.get(job_id)
            if was is not None and was != row:
                self._changed(was, row, actor)
        self._look_at_keys(rows)
        self._look_at_checkpoints(rows)
        self._look_at_ticks(before, rows)

    def reset(self, rows: dict[str, Row]) -> None:
        """Begin anew after the database was put back."""
        look = self._simulation.server.look
        self._checkpoints = self._kept()
        self._paced_at = None
        self._ended = {row.id for row in rows.values() if row.finished_at}
        self._failed = {row.id for row in rows.values() if row.status == "FAILED"}
        self._ticked = {datetime.fromisoformat(key) for (key,) in look.execute(_TICKED)}
        self._schedule = self._read_schedule()
        self._expected = self._ticked | self._to_come()

    def _expect(self, is_so: object, otherwise: str) -> None:
        if not is_so:
            self._watch.violated(otherwise)

    def _running(self, rows: dict[str, Row], kind: str) -> list[Row]:
        kinds = self._watch.kinds
        return [row for row in rows.values() if kinds[row.id] == kind and row.status == "RUNNING"]

    # -- jobs that wait for others ------------------------------------------------------------

    def _changed(self, was: Row, row: Row, actor: Actor) -> None:
        if row.finished_at:
            self._ended.add(row.id)
        if row.status == "FAILED":
            self._failed.add(row.id)
        if row.outcome == "cancelled":
            self._cancelled.add(was.token)
        begins = (was.status, row.status) == ("READY", "RUNNING")
        opens = row.status == "READY" and was.gate == "after" != row.gate
        if row.id in self.after and (opens or (begins and row.attempt == 1)):
            self._may_go_on(row)
        if begins and self._watch.kinds[row.id] == "pace":
            self._is_paced(row)
        if (was.status, was.outcome) == ("FAILED", "in_doubt"):
            self._expect(actor.own_verb == "decide", f"E3: {was} became {row} without a decision")

    def _may_go_on(self, row: Row) -> None:
        earlier, on_failure = self.after[row.id]
        succeeded = {job_id for job_id, _ in self._watch.succeeded}
        done = self._ended if on_failure == "run" else succeeded
        missing = [job_id for job_id in earlier if job_id not in done]
        self._expect(not missing, f"D1: {row.id} goes on, and {missing}, for which it waits, have not succeeded")

    def may_end_unbegun(self, row: Row) -> bool:
        """Return whether a job may have failed without being run: one of those for which it waits has failed."""
        earlier, on_failure = self.after.get(row.id, ((), ""))
        return on_failure != "run" and row.attempt == 0 and any(job_id in self._failed for job_id in earlier)

    def handed_on(self, fence: Fence, results: list[object]) -> None:
        """Take note of what a job was told that the earlier ones returned."""
        earlier, on_failure = self.after.get(fence.job_id.hex, ((), ""))
        self._expect(len(results) == len(earlier), f"D2: {fence.job_id.hex} waits for {earlier} and was told {results}")
        for job_id, result in zip(earlier, results, strict=False):
            row = self._watch.rows.get(job_id)
            told = row is None or result == (row.result and json.loads(row.result))
            self._expect(told or on_failure == "run", f"D2: {job_id} did not return {result}")

    # -- limits and unique jobs ---------------------------------------------------------------

    def _look_at_keys(self, rows: dict[str, Row]) -> None:
        pressing = self._running(rows, "press")
        self._expect(len(pressing) <= 1, f"K1: one may run at a time, and these do: {pressing}")
        kinds = self._watch.kinds
        active = [row for row in rows.values() if kinds[row.id] == "sole" and not row.finished_at]
        self._expect(len(active) <= 1, f"K3: one may wait or run, and these do: {active}")
        waiting = [row for row in rows.values() if kinds[row.id] == "pending" and holds_while_waiting(row)]
        self._expect(len(waiting) <= 1, f"K3: one may wait to be begun, and these do: {waiting}")

    def _is_paced(self, row: Row) -> None:
        at = datetime.fromisoformat(row.started_at or "")
        last, self._paced_at = self._paced_at, at
        if last is not None and not self._simulation.server.clock_was_set:
            self._expect(at - last >= _PACE, f"K2: {row.id} began {at - last} after the one before")

    def begins(self, body: Body) -> None:
        """Take note that a body begins: under a limit, none of another job runs at that moment."""
        kinds = self._watch.kinds
        if kinds.get(body.fence.job_id.hex) != "press" or self._simulation.overlap_is_excused():
            return
        for other in self._watch.bodies:
            if (
                other.fence.job_id != body.fence.job_id
                and kinds.get(other.fence.job_id.hex) == "press"
                and other.fence.token.hex not in self._cancelled
                and other.runs()
                and body.runs()
            ):
                self._watch.violated(f"K1: {body.fence.job_id.hex} begins while {other.fence.job_id.hex} runs")

    def answered(self, job_id: str) -> None:
        """Take note that an enqueue was answered with a job that was there before."""
        row, kind = self._watch.rows.get(job_id), self._watch.kinds.get(job_id)
        holds = row and (holds_while_waiting(row) if kind == "pending" else not row.finished_at)
        self._expect(kind not in ("sole", "pending") or holds, f"K3: {row} holds no key and was the answer")

    # -- checkpoints --------------------------------------------------------------------------

    def _kept(self) -> dict[str, int]:
        return {job_id: json.loads(value) for job_id, value in self._simulation.server.look.execute(_CHECKPOINTS)}

    def _look_at_checkpoints(self, rows: dict[str, Row]) -> None:
        had, self._checkpoints = self._checkpoints, self._kept()
        for job_id, stage in self._checkpoints.items():
            self._expect(stage >= had.get(job_id, 0), f"C1: {job_id} went back from {had.get(job_id)} to {stage}")
            done = self._watch.entries.get(job_id, {})
            ahead = [n for n in range(1, stage + 1) if f"stage {n}" not in done]
            self._expect(not ahead, f"C1: {job_id} has a checkpoint behind {stage}, and {ahead} are not committed")
        lost = [job_id for job_id in had.keys() - self._checkpoints.keys() if job_id in rows]
        self._expect(not lost, f"C1: the checkpoints of {lost} are gone")
        within = f"stage {self.WITHIN_ITS_STEP}"
        for job_id, done in self._watch.entries.items():
            apart = within in done and job_id in rows and self._checkpoints.get(job_id, 0) < self.WITHIN_ITS_STEP
            self._expect(not apart, f"C2: the step of {job_id} is committed without its checkpoint")

    def resumed(self, fence: Fence, state: object) -> None:
        """Take note of what a body was told of its checkpoint."""
        kept = self._checkpoints.get(fence.job_id.hex)
        self._expect(state == kept, f"C3: {fence.job_id.hex} goes on from {state}, and {kept} is committed")

    # -- deliveries ---------------------------------------------------------------------------

    def refused_once(self, fence: Fence) -> bool:
        """Return whether the other side is to say that it is busy, which it does once."""
        is_first = fence.job_id.hex not in self._refused
        self._refused.add(fence.job_id.hex)
        return is_first

    def called(self, fence: Fence) -> None:
        """Take note that something was done outside. Whoever is asked tells the truth, so never again."""
        self._calls[fence.job_id.hex] += 1
        once = self._calls[fence.job_id.hex] == 1 or self._simulation.overlap_is_excused()
        self._expect(once, f"E1: {fence.job_id.hex} delivered for the second time")

    def has_called(self, job_id: str) -> bool:
        """Return whether a job has done something outside."""
        return self._calls[job_id] > 0

    # -- schedules ----------------------------------------------------------------------------

    def _read_schedule(self) -> Schedule | None:
        row = self._simulation.server.look.execute(_SCHEDULE).fetchone()
        return row and Schedule(row[0], _moment(row[1]), _moment(row[2]))

    def _to_come(self) -> set[datetime]:
        next_at = self._schedule and self._schedule.next_at
        return {moment for moment in MOMENTS if next_at and moment >= next_at}

    def _look_at_ticks(self, before: dict[str, Row], rows: dict[str, Row]) -> None:
        was, self._schedule = self._schedule, self._read_schedule()
        made = [job_id for job_id in rows if self._watch.kinds[job_id] == "tick" and job_id not in before]
        is_same = was is not None and self._schedule is not None and was.id == self._schedule.id
        if not is_same:  # Declared, for the first time or anew: it ticks from then on.
            self._expected = self._ticked | self._to_come()
        passed = self._passed(was, self._schedule) if is_same else set()
        self._expect(len(made) == len(passed), f"T1: {made} are the jobs of the ticks {sorted(passed)}")
        self._ticked |= passed

    def _passed(self, was: Schedule | None, now: Schedule | None) -> set[datetime]:
        """Return the ticks that happened between two looks at the row, for the first time."""
        assert was is not None
        assert now is not None
        begin, end = was.next_at, now.last_tick_at
        return {m for m in MOMENTS if begin and end and begin <= m <= end} - self._ticked

    def is_ticking(self) -> bool:
        """Return whether ticks are still to come."""
        return self._schedule is not None and self._schedule.next_at is not None

    # -- the end ------------------------------------------------------------------------------

    def check_the_end(self, rows: dict[str, Row]) -> None:
        """Look at what has to be true when all has ended."""
        self._expect(self._ticked == self._expected, f"T1: {self._ticked} happened, not {self._expected}")
        for row in rows.values():
            kind = self._watch.kinds[row.id]
            if kind in ("delivers", "asks") and row.status == "SUCCESSFUL":
                self._expect(self._calls[row.id], f"E2: {row.id} succeeded without delivering")
            if row.outcome == "in_doubt":
                self._expect(kind == "delivers", f"E2: {row.id} cannot be in doubt")


def holds_while_waiting(row: Row) -> bool:
    """Return whether a job waits to be begun for the first time."""
    return row.status == "READY" and row.attempt == 0


def _moment(text: str | None) -> datetime | None:
    return text and datetime.fromisoformat(text).replace(tzinfo=UTC)
