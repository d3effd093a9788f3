"""Schedules: each tick happens once, whoever looks and whatever the row says, and none is held up by another."""

from tests.mutants.mutant import SQLITE, Killer, Mutant, Piece
from tests.mutants.table.simulated import SIMULATED

TICKS = "tests/database/test_a_schedule_ticks.py"
RACE = "tests/races/test_many_workers_tick_a_schedule_once.py"

MUTANTS = (
    Mutant(
        name="schedule-ledger",
        mechanism="A tick of a schedule is entered in the ledger with its job, so it happens once",
        off="it is not entered",
        pieces=(
            Piece(
                "schedules/tick.py",
                'if ledger.reserve(connection, scope, key, job_id=placeholder, fingerprint="") is not None:',
                "if False:",
            ),
        ),
        killers=(
            Killer(f"{TICKS}::test_a_tick_that_happened_does_not_happen_again_though_the_row_says_that_it_is_due"),
            Killer(f"{RACE}::test_the_same_though_each_of_them_finds_the_row_set_back"),
            Killer(f"{SIMULATED}[schedule-ledger]", on=SQLITE, by="Violation"),
        ),
    ),
    Mutant(
        name="schedule-whole",
        mechanism="A tick, its job and the step to the next tick are committed together",
        off="each is committed by itself",
        pieces=(
            Piece(
                "schedules/rows.py",
                "    with transaction.atomic(using=connection.alias):\n        take_write_lock(connection)\n"
                "        skip = only",
                "    if True:\n        take_write_lock(connection)\n        skip = only",
            ),
        ),
        killers=(Killer(f"{SIMULATED}[schedule-whole]", on=SQLITE, by="Violation"),),
    ),
    Mutant(
        name="schedule-over",
        mechanism="A tick that is over by the row is never fired, also when the ledger has forgotten it",
        off="the row's last tick is not compared",
        pieces=(
            Piece(
                "schedules/tick.py",
                "[at for at in ticks if row.last_tick_at is None or at > row.last_tick_at]",
                "list(ticks)",
            ),
        ),
        killers=(Killer(f"{TICKS}::test_nor_when_the_ledger_has_forgotten_it_for_what_is_over_is_over"),),
    ),
    Mutant(
        name="schedule-edit",
        mechanism="Who edits a schedule does not write back what ticks have written since the form was opened",
        off="all columns are written",
        pieces=(Piece("models.py", '- {"id", *self.CLOCKWORK}', '- {"id"}'),),
        killers=(
            Killer(
                "tests/database/test_schedules_are_kept_in_rows.py::TestEditing::"
                "test_what_a_tick_wrote_meanwhile_is_not_written_back"
            ),
        ),
    ),
    Mutant(
        name="schedule-alone",
        mechanism="A schedule that cannot tick is told of, and holds up no other",
        off="its error ends the look",
        pieces=(Piece("worker/timekeeper.py", "except InvalidSchedule as error:", "except KeyError as error:"),),
        killers=(
            Killer(
                "tests/worker/test_the_timekeeper.py::TestWhatCannotTick::"
                "test_it_is_told_once_with_the_reason_and_the_others_tick",
                by="InvalidSchedule",
            ),
        ),
    ),
    Mutant(
        name="schedule-fold",
        mechanism="Within an hour that comes for the second time, no tick of the first is answered",
        off="what cronsim answers is believed",
        pieces=(Piece("planning/timetable.py", "if moment > after:", "if True:"),),
        killers=(
            Killer(
                "tests/unit/test_timetable.py::TestFixedTimes::"
                "test_whoever_looks_in_the_second_of_the_hours_is_not_sent_back_to_the_first"
            ),
        ),
    ),
)
