"""OPTIONS: what is accepted, what is refused with which words, and what follows from LEASE_SECONDS."""

import pytest
from django.tasks.exceptions import InvalidTaskBackend

from jobqueue.conf import Options


def refusal(**options):
    with pytest.raises(InvalidTaskBackend) as caught:
        Options.read("default", options)
    return str(caught.value)


def test_without_options_everything_has_a_default():
    options = Options.read("default", {})
    assert (options.redis, options.lease_seconds, options.effects) == ("default", 30, "atomic")


def test_options_are_read_by_their_names_in_capitals():
    options = Options.read("default", {"REDIS": None, "LEASE_SECONDS": 1.5, "MAX_CRASHES": 1, "RETENTION_DAYS": None})
    assert (options.redis, options.lease_seconds, options.max_crashes, options.retention_days) == (None, 1.5, 1, None)


def test_an_unknown_option_is_answered_with_the_one_that_was_meant():
    assert refusal(LEASE_SECOND=3) == (
        "TASKS['default']['OPTIONS'] has an unknown option 'LEASE_SECOND'. Did you mean 'LEASE_SECONDS'?"
    )


def test_an_option_that_resembles_nothing_is_answered_with_all_there_are():
    assert "'COLOUR'. Known: EFFECTS, KEY_PREFIX, LEASE_SECONDS, " in refusal(COLOUR="red")


def test_names_in_small_letters_are_unknown_but_understood():
    assert "Did you mean" not in refusal(lease_seconds=3) or "LEASE_SECONDS" in refusal(lease_seconds=3)


@pytest.mark.parametrize(
    ("name", "value", "wanted"),
    [
        ("REDIS", "", "the name of a CACHES entry, or None"),
        ("REDIS", 6379, "the name of a CACHES entry, or None"),
        ("LEASE_SECONDS", 0.5, "a number of seconds, 1 or more"),
        ("LEASE_SECONDS", "30", "a number of seconds, 1 or more"),
        ("LEASE_SECONDS", True, "a number of seconds, 1 or more"),
        ("LEASE_SECONDS", float("inf"), "a number of seconds, 1 or more"),
        ("LEASE_SECONDS", float("nan"), "a number of seconds, 1 or more"),
        ("MAX_ATTEMPTS", 0, "a whole number, 1 or more"),
        ("MAX_ATTEMPTS", 2.0, "a whole number, 1 or more"),
        ("TIMEOUT", 0, "a number of seconds above 0, or None for no limit"),
        ("TIMEOUT", float("inf"), "a number of seconds above 0, or None for no limit"),
        ("MAX_CRASHES", False, "a whole number, 1 or more"),
        ("EFFECTS", "Atomic", "one of atomic, steps, unfenced"),
        ("EFFECTS", ["atomic"], "one of atomic, steps, unfenced"),
        ("KEY_PREFIX", "", "1 to 100 letters"),
        ("KEY_PREFIX", "with blank", "1 to 100 letters"),
        ("KEY_PREFIX", "star*", "1 to 100 letters"),
        ("KEY_PREFIX", "line\n", "1 to 100 letters"),
        ("MAX_ARGUMENT_BYTES", 1, "a number of bytes"),
        ("LOG_LINES", -1, "a whole number from 0 to 1000"),
        ("LOG_LINES", 1001, "a whole number from 0 to 1000"),
        ("LOG_LINES", None, "a whole number from 0 to 1000"),
        ("MAX_RESULT_BYTES", "1 MB", "a number of bytes"),
        ("RETENTION_DAYS", -1, "a number of days, None to keep"),
        (
            "RETENTION_DAYS",
            {"READY": 1},
            "a number of days, None to keep finished jobs, or either for each of SUCCESSFUL and FAILED",
        ),
        (
            "RETENTION_DAYS",
            {"FAILED": "1"},
            "a number of days, None to keep finished jobs, or either for each of SUCCESSFUL and FAILED",
        ),
        ("RETENTION_DAYS", 1e9, "a number of days"),
    ],
)
def test_a_bad_value_is_refused_and_the_setting_named(name, value, wanted):
    message = refusal(**{name: value})
    assert message.startswith(f"TASKS['default']['OPTIONS']['{name}'] must be {wanted}")
    assert message.endswith(f"not {value!r}.")


@pytest.mark.parametrize("lease", [1, 2, 30, 3600])
def test_one_knob_sets_a_rhythm_that_fits(lease):
    """Three renewals fit into a lease, and the owner stops trusting it before anybody else may."""
    options = Options(lease_seconds=lease)
    assert options.renew_seconds * 3 <= lease
    assert options.renew_seconds + options.redis_timeout < lease - options.margin_seconds
    assert options.margin_seconds > 0
    assert options.keeper_seconds <= 2


def test_a_task_overrides_the_limit_of_time_that_the_settings_have():
    limited, free = Options.read("default", {"TIMEOUT": 60}), Options.read("default", {})
    assert [limited.time_limit(it) for it in (None, 5, float("inf"))] == [60, 5, None]
    assert [free.time_limit(it) for it in (None, 5, float("inf"))] == [None, 5, None]
