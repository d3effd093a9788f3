"""When something ticks, also where clocks are put forward and back, in short months, and once every four years."""

from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobqueue.planning import Every, Timetable, cron_of, zone_of

BERLIN, NEW_YORK, UTC_ZONE = ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York"), ZoneInfo("UTC")


def moment(text, zone=UTC):
    return datetime.fromisoformat(text).replace(tzinfo=zone)


def ticks(cron, zone, since, count):
    """Return the next ticks as people of that zone read them off their clocks."""
    found = islice(cron_of(cron, zone).ticks(moment(since, zone)), count)
    return [f"{tick.astimezone(zone):%m-%d %H:%M %Z}" for tick in found]


class TestFixedTimes:
    """In 2026 clocks change in Berlin on 29 March and 25 October, in New York on 8 March and 1 November."""

    def test_a_time_that_is_skipped_comes_right_after_the_gap(self):
        assert ticks("30 2 * * *", BERLIN, "2026-03-27T12:00", 3) == [
            "03-28 02:30 CET",
            "03-29 03:00 CEST",
            "03-30 02:30 CEST",
        ]
        assert ticks("30 2 * * *", NEW_YORK, "2026-03-07T00:00", 3) == [
            "03-07 02:30 EST",
            "03-08 03:00 EDT",
            "03-09 02:30 EDT",
        ]

    def test_two_times_of_one_gap_come_once(self):
        assert ticks("0,30 2,3 * * *", BERLIN, "2026-03-28T12:00", 4) == [
            "03-29 03:00 CEST",
            "03-29 03:30 CEST",
            "03-30 02:00 CEST",
            "03-30 02:30 CEST",
        ]

    def test_a_time_that_comes_twice_ticks_the_first_time_alone(self):
        assert ticks("30 2 * * *", BERLIN, "2026-10-24T12:00", 2) == ["10-25 02:30 CEST", "10-26 02:30 CET"]
        assert ticks("30 1 * * *", NEW_YORK, "2026-10-31T12:00", 2) == ["11-01 01:30 EDT", "11-02 01:30 EST"]

    def test_whoever_looks_in_the_second_of_the_hours_is_not_sent_back_to_the_first(self):
        second = datetime(2026, 10, 25, 2, 15, tzinfo=BERLIN, fold=1)
        (tick,) = islice(cron_of("30 2 * * *", BERLIN).ticks(second.astimezone(UTC)), 1)
        assert tick == moment("2026-10-26T02:30", BERLIN)
        assert tick > second.astimezone(UTC)

    def test_midnight_and_noon_stay_where_people_have_them(self):
        assert ticks("0 12 * * *", BERLIN, "2026-03-28T11:00", 3) == [
            "03-28 12:00 CET",
            "03-29 12:00 CEST",
            "03-30 12:00 CEST",
        ]
        assert ticks("0 0 * * *", NEW_YORK, "2026-10-31T12:00", 2) == ["11-01 00:00 EDT", "11-02 00:00 EST"]


class TestPatterns:
    def test_every_half_hour_of_real_time_ticks(self):
        spring = ticks("*/30 * * * *", BERLIN, "2026-03-29T01:15", 3)
        assert spring == ["03-29 01:30 CET", "03-29 03:00 CEST", "03-29 03:30 CEST"]
        autumn = ticks("*/30 * * * *", NEW_YORK, "2026-11-01T00:45", 5)
        assert autumn == ["11-01 01:00 EDT", "11-01 01:30 EDT", "11-01 01:00 EST", "11-01 01:30 EST", "11-01 02:00 EST"]

    def test_every_hour_ticks_in_both_of_the_hours(self):
        assert ticks("0 * * * *", BERLIN, "2026-10-25T01:30", 3) == [
            "10-25 02:00 CEST",
            "10-25 02:00 CET",
            "10-25 03:00 CET",
        ]

    def test_a_pattern_within_a_skipped_hour_has_none_that_day(self):
        assert ticks("*/30 2 * * *", BERLIN, "2026-03-28T12:00", 2) == ["03-30 02:00 CEST", "03-30 02:30 CEST"]

    @pytest.mark.parametrize("zone", [BERLIN, NEW_YORK, ZoneInfo("Australia/Lord_Howe"), ZoneInfo("Asia/Kathmandu")])
    def test_every_quarter_of_an_hour_is_a_quarter_after_the_last(self, zone):
        for begin in ("2026-03-07T00:00", "2026-10-01T00:00"):
            found = list(islice(cron_of("*/15 * * * *", zone).ticks(moment(begin, zone)), 4 * 24 * 33))
            gaps = {later - earlier for earlier, later in pairwise(found)}
            assert gaps == {timedelta(minutes=15)}


class TestTheCalendar:
    def test_the_thirty_first_comes_in_months_that_have_one(self):
        months = [tick[:2] for tick in ticks("0 0 31 * *", BERLIN, "2026-01-01T00:00", 7)]
        assert months == ["01", "03", "05", "07", "08", "10", "12"]

    def test_a_leap_day_comes_every_four_years_but_for_some_centuries(self):
        found = islice(cron_of("0 0 29 2 *", UTC_ZONE).ticks(moment("2092-01-01T00:00")), 3)
        assert [tick.year for tick in found] == [2092, 2096, 2104]

    def test_days_of_the_week_and_ranges(self):
        assert ticks("0 9 * * 1-5", BERLIN, "2026-01-02T10:00", 2) == ["01-05 09:00 CET", "01-06 09:00 CET"]
        assert ticks("0 9 * * MON#1", BERLIN, "2026-01-06T10:00", 1) == ["02-02 09:00 CET"]

    def test_it_ends_with_time(self):
        assert list(cron_of("0 0 * * *", UTC_ZONE).ticks(moment("9999-12-30T00:00"))) == [moment("9999-12-31T00:00")]
        assert list(Every(86400, moment("9999-12-30T00:00")).ticks(moment("9999-12-30T00:00"))) == [
            moment("9999-12-31T00:00")
        ]


class TestEvery:
    ANCHOR = moment("2026-01-01T00:00:07")

    def test_it_counts_from_its_anchor_however_late_somebody_looks(self):
        rhythm = Every(90, self.ANCHOR)
        for late in (0, 1, 44.7, 89.999):
            after = self.ANCHOR + timedelta(seconds=9 * 90 + late)
            assert next(rhythm.ticks(after)) == self.ANCHOR + timedelta(seconds=900)

    def test_the_anchor_is_the_first(self):
        before = self.ANCHOR - timedelta(days=3)
        assert next(Every(90, self.ANCHOR).ticks(before)) == self.ANCHOR

    def test_summer_time_makes_no_difference(self):
        anchor = moment("2026-03-28T12:00", BERLIN)
        found = list(islice(Every(86400, anchor).ticks(anchor), 2))
        assert [tick.astimezone(BERLIN).hour for tick in found] == [13, 13]


class TestBounds:
    def table(self, ends=None):
        return Timetable(cron_of("0 * * * *", UTC_ZONE), moment("2026-01-01T10:00"), ends and moment(ends))

    def test_both_ends_are_within(self):
        table = self.table("2026-01-01T12:00")
        assert [tick.hour for tick in table.coming(moment("2025-01-01T00:00"), 9)] == [10, 11, 12]
        assert table.after(moment("2026-01-01T12:00")) is None

    def test_the_latest_are_found_without_counting_through_years(self):
        table = self.table()
        found = table.latest(moment("2026-01-01T10:00"), moment("2926-01-01T10:30"), most=3)
        assert [str(tick)[:16] for tick in found] == ["2926-01-01 08:00", "2926-01-01 09:00", "2926-01-01 10:00"]

    def test_the_latest_are_those_of_the_span_and_no_more(self):
        table = self.table()
        found = table.latest(moment("2026-01-01T12:00"), moment("2026-01-01T14:00"), most=100)
        assert [tick.hour for tick in found] == [12, 13, 14]
        assert table.latest(moment("2026-01-01T12:10"), moment("2026-01-01T12:50"), most=5) == []


CRONS = ["* * * * *", "*/7 * * * *", "30 2 * * *", "0,30 1,2,3 * * *", "0 */2 * * *", "15 2 25 10 *", "0 0 31 * *"]


@given(
    cron=st.sampled_from(CRONS),
    zone=st.sampled_from([BERLIN, NEW_YORK, ZoneInfo("Australia/Lord_Howe"), ZoneInfo("Africa/Cairo")]),
    start=st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1)),
    skipped=st.integers(0, 20),
)
@settings(max_examples=150, deadline=None)
def test_ticks_rise_and_are_the_same_wherever_one_begins_to_count(cron, zone, start, skipped):
    rhythm = cron_of(cron, zone)
    found = list(islice(rhythm.ticks(start.replace(tzinfo=UTC)), 40))
    assert found == sorted(set(found))
    assert list(islice(rhythm.ticks(found[skipped]), 39 - skipped)) == found[skipped + 1 :]
    between = found[skipped] + (found[skipped + 1] - found[skipped]) / 2
    assert next(rhythm.ticks(between)) == found[skipped + 1]


class TestWhatIsNone:
    @pytest.mark.parametrize(
        ("text", "why"),
        [
            ("", "Five fields: minute, hour"),
            ("* * * *", "Five fields"),
            ("0 * * * * *", "Five fields"),
            ("@daily", "Five fields"),
            ("61 * * * *", "Bad minute"),
            ("* 24 * * *", "Bad hour"),
            ("* * 0 * *", "Bad day-of-month"),
            ("* * * 13 *", "Bad month"),
            ("* * * * 8", "Bad day-of-week"),
            ("*/0 * * * *", "Bad minute"),
            ("5-1 * * * *", "Bad minute"),
            ("0 0 30 2 *", "Bad day-of-month"),
            ("0 0 * * 1L/2", "no cron expression"),
            ("\0 * * * *", "no cron expression"),
            ("1," * 60 + " * * * *", "100 characters at most"),
        ],
    )
    def test_a_cron_that_is_none_is_an_error_that_says_why(self, text, why):
        with pytest.raises(ValueError, match=why):
            cron_of(text, UTC_ZONE)

    def test_a_cron_that_never_comes_is_one_too(self):
        with pytest.raises(ValueError, match="never comes"):
            cron_of("0 0 */20 * 1L", UTC_ZONE)

    @pytest.mark.parametrize("name", ["Europe/Berln", "", "../../etc/passwd", "/etc/passwd", "Europe", "CEST", "a\0b"])
    def test_a_zone_that_is_none_is_an_error_that_says_what_to_do(self, name):
        with pytest.raises(ValueError, match=r"is no time zone\. (Did you mean|Use an IANA name)"):
            zone_of(name)
