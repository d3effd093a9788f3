"""Redis out of memory, silent or changed: no lease suffers for another one, no call takes long, and the log says it."""

import contextlib
import time

import pytest
import redis

from jobqueue.leases import Held, LeasesUnavailable, Wake
from tests.leases.conftest import new_fence
from tests.waiting import wait_until

# What a call may take on a busy machine beyond its time-out.
SLACK = 1.0


def seconds(deed):
    """Return how long it takes, whatever it raises."""
    began = time.monotonic()
    with contextlib.suppress(Exception):
        deed()
    return time.monotonic() - began


def held(*claims):
    return [Held(claim, 1, 4711) for claim in claims]


def fill(own_redis):
    """Let the server have no memory for anything new."""
    with own_redis.client() as client:
        client.config_set("maxmemory-policy", "noeviction")
        client.config_set("maxmemory", "1")
        with pytest.raises(redis.ResponseError, match="maxmemory"):
            client.set("x", "y")


def test_out_of_memory_one_that_cannot_be_made_anew_keeps_no_other_from_it(leases, own_redis):
    first, forgotten, last = new_fence(), new_fence(), new_fence()
    leases.acquire([first, last], "anna")
    with own_redis.client() as client:
        for claim in (first, last):
            client.pexpire(leases.keys.lease(claim.job_id), 300)
    fill(own_redis)

    grants = leases.renew(held(forgotten, first, last), "anna")

    assert [grant.held for grant in grants] == [False, True, True]
    assert all(grant.ttl > 0.3 for grant in grants[1:])


def test_out_of_memory_a_lease_is_given_back(leases, own_redis):
    claim = new_fence()
    leases.acquire([claim], "anna")
    fill(own_redis)
    assert leases.release([claim], "anna") == 1


def test_out_of_memory_no_claim_is_refused(leases, own_redis):
    """A worker that is refused a lease hands the job back: it must know that this is not a refusal."""
    fill(own_redis)
    with pytest.raises(LeasesUnavailable, match="maxmemory"):
        leases.acquire([new_fence()], "anna")


@pytest.mark.parametrize(
    "ask",
    [
        lambda leases: leases.acquire([new_fence()], "anna"),
        lambda leases: leases.renew(held(new_fence()), "anna"),
        lambda leases: leases.release([new_fence()], "anna"),
        lambda leases: leases.witness([new_fence().job_id]),
        lambda leases: leases.read([new_fence().job_id]),
    ],
    ids=["acquire", "renew", "release", "witness", "read"],
)
@pytest.mark.parametrize("connected", [False, True])
def test_a_silent_server_is_waited_for_but_a_moment(leases, own_redis, options, ask, connected):
    if connected:
        leases.read([new_fence().job_id])
    own_redis.pause()
    assert seconds(lambda: ask(leases)) < options.redis_timeout + SLACK
    with pytest.raises(LeasesUnavailable):
        ask(leases)


def test_after_a_failure_it_is_not_asked_for_a_moment(leases, own_redis, options):
    own_redis.pause()
    with pytest.raises(LeasesUnavailable):
        leases.read([new_fence().job_id])
    # Nothing is sent, so nothing is waited for.
    asked = [seconds(lambda: leases.read([new_fence().job_id])) for _ in range(20)]
    assert sum(asked[:10]) < options.redis_timeout


def test_it_is_asked_again_soon_and_says_so(leases, own_redis, caplog):
    own_redis.pause()
    with caplog.at_level("INFO", logger="jobqueue.leases"):
        for _ in range(3):
            with pytest.raises(LeasesUnavailable):
                leases.read([new_fence().job_id])
        own_redis.resume()
        claim = new_fence()
        wait_until(lambda: _taken(leases, claim))
    told = [record.levelname for record in caplog.records]
    assert told == ["WARNING", "INFO"], caplog.text


def test_one_that_goes_on_refusing_is_told_of_though_it_had_answered_in_between(leases, server, caplog):
    server.rpush("a-list", "x")

    def ask(key):
        with contextlib.suppress(LeasesUnavailable):
            leases.connection.call(lambda client: client.get(key))
        return [record.levelname for record in caplog.records]

    with caplog.at_level("INFO", logger="jobqueue.leases"):
        for key in ("a-list", "nothing", "a-list", "nothing"):
            told = ask(key)
        # To be refused and answered in turn is told once.
        assert told == ["WARNING", "INFO"]
        wait_until(lambda: ask("a-list") == ["WARNING", "INFO", "WARNING"], 20)


def _taken(leases, claim):
    try:
        leases.witness([])
        return leases.acquire([claim], "anna")[0].held
    except LeasesUnavailable:
        return False


@pytest.mark.parametrize(
    "ask",
    [lambda leases: leases.acquire([new_fence()], "anna"), lambda leases: leases.release([new_fence()], "anna")],
    ids=["acquire", "release"],
)
def test_the_main_loop_waits_for_a_silent_server_but_once(leases, own_redis, options, ask):
    """Whoever renews, or looks for the dead, finds out when it answers again."""
    own_redis.pause()
    with pytest.raises(LeasesUnavailable):
        ask(leases)
    waited = []
    for _ in range(3):
        time.sleep(options.redis_timeout)  # The pause after a failure.
        waited.append(seconds(lambda: ask(leases)))
    assert min(waited) < options.redis_timeout / 2
    own_redis.resume()
    wait_until(lambda: _taken(leases, new_fence()))


@pytest.mark.parametrize("verb", ["acquire", "renew", "release", "witness"])
def test_scripts_that_the_server_forgot_are_sent_again(leases, server, verb):
    claim = new_fence()
    leases.acquire([claim], "anna")
    server.script_flush()
    deed = {
        "acquire": lambda: leases.acquire([claim], "anna")[0].held,
        "renew": lambda: leases.renew(held(claim), "anna")[0].held,
        "release": lambda: leases.release([claim], "anna") == 1,
        "witness": lambda: leases.witness([]) is None,
    }[verb]
    assert deed()


def test_a_password_that_is_wrong_is_trouble_too(leases, own_redis):
    with own_redis.client() as client:
        client.config_set("requirepass", "secret")
    with pytest.raises(LeasesUnavailable, match=r"(?i)auth"):
        leases.read([new_fence().job_id])
    with pytest.raises(LeasesUnavailable):
        leases.renew(held(new_fence()), "anna")


def test_what_stands_in_the_place_of_a_hint_hurts_nobody_who_enqueues(own_redis, server, options):
    wake = Wake("own", options)
    server.set(wake.keys.wake("mail"), "foreign")
    wake.hint(["mail"])
    with pytest.raises(LeasesUnavailable):
        wake.await_hint(["mail"])
    wake.close()


def test_a_refusal_keeps_nobody_from_asking_at_once(leases, own_redis):
    """Out of memory, no lease can be taken: those that are there have to be renewed all the more."""
    claim = new_fence()
    leases.acquire([claim], "anna")
    fill(own_redis)
    for _ in range(3):
        with pytest.raises(LeasesUnavailable):
            leases.acquire([new_fence()], "anna")
        assert leases.renew(held(claim), "anna")[0].held


def test_a_server_that_refuses_all_the_time_does_not_fill_the_log(leases, own_redis, options, caplog):
    fill(own_redis)
    began = time.monotonic()
    with caplog.at_level("INFO", logger="jobqueue.leases"):
        for _ in range(20):
            with pytest.raises(LeasesUnavailable):
                leases.acquire([new_fence()], "anna")
            leases.read([new_fence().job_id])
    assert [record.levelname for record in caplog.records[:2]] == ["WARNING", "INFO"]
    # Once in ten time-outs, which are a lease period or two seconds.
    assert len(caplog.records) <= 2 * (1 + (time.monotonic() - began) / (10 * options.redis_timeout))
