from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from jobqueue.moments import NoMoment, example, moment_of

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("30m", 1800), ("2h", 7200), ("1d", 86400), ("45s", 45), ("1h30m", 5400), (" 1 H 30 M ", 5400), ("0.5h", 1800)],
)
def test_a_delay_is_from_now_on(text: str, seconds: float) -> None:
    assert moment_of(text, now=NOW) == NOW + timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["2026-03-01T14:30", "2026-03-01 14:30", "2026-03-01T14:30+01:00"])
def test_a_time_is_in_the_current_zone_unless_it_names_one(text: str) -> None:
    with timezone.override("Europe/Berlin"):
        assert moment_of(text, now=NOW) == datetime(2026, 3, 1, 13, 30, tzinfo=UTC)


def test_the_example_is_one() -> None:
    assert timedelta(hours=17) < moment_of(example(), now=timezone.now()) - timezone.now() < timedelta(hours=43)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        *((text, "no moment") for text in ("", "soon", "2x", "h", "-2h", "2026-02-30 10:00", "14:30", "\0", "٣h")),
        ("9" * 400, "no moment"),
        ("9" * 400 + "h", "no moment"),
        ("2026-03-01T11:59+00:00", "over"),
        ("0m", "over"),
        ("367d", "a year"),
        ("999999999d", "a year"),
        ("9999-12-31T23:59:59+00:00", "a year"),
    ],
)
def test_what_is_none_that_is_to_come_is_refused_with_a_reason(text: str, why: str) -> None:
    with pytest.raises(NoMoment, match=why):
        moment_of(text, now=NOW)


def test_an_hour_that_a_change_of_the_clocks_leaves_out_is_no_moment() -> None:
    with timezone.override("Europe/Berlin"), pytest.raises(NoMoment, match="Europe/Berlin"):
        moment_of("2026-03-29 02:30", now=NOW)
