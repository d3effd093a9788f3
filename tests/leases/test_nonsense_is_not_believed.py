"""Whatever a server says that our scripts never do: the call ends, in time and in memory, and nothing is believed."""

import time
import tracemalloc

import pytest

from jobqueue.conf import Options
from jobqueue.leases import Held, Leases, LeasesUnavailable, Wake
from tests.false_redis import FalseRedis
from tests.leases.conftest import LEASE, new_fence
from tests.nonsense import NONSENSE, TROUBLE
from tests.waiting import wait_until

# What a call may take on a busy machine beyond its time-out, in seconds; and in bytes.
SLACK = 2.0
MEMORY = 16 << 20

ASK = {
    "acquire": lambda leases: leases.acquire([new_fence()], "anna"),
    "renew": lambda leases: leases.renew([Held(new_fence(), 1, 7)], "anna"),
    "release": lambda leases: leases.release([new_fence()], "anna"),
    "witness": lambda leases: leases.witness([new_fence().job_id]),
    "read": lambda leases: leases.read([new_fence().job_id]),
}


@pytest.fixture
def server():
    with FalseRedis(lambda request: None) as server:
        yield server


@pytest.fixture
def options(server, settings):
    settings.CACHES = {"false": {"BACKEND": "django_redis.cache.RedisCache", "LOCATION": server.url}}
    return Options(redis="false", lease_seconds=LEASE, key_prefix="t")


@pytest.fixture
def ask(options):
    """Give `ask(verb)`, each time over a connection of its own that has not failed yet."""
    opened = []

    def ask(verb):
        opened.append(Leases("false", options))
        return ASK[verb](opened[-1])

    yield ask
    for leases in opened:
        leases.connection.close()


@pytest.mark.parametrize("what", NONSENSE)
def test_no_verb_believes_it_or_is_held_up(server, ask, options, what):
    server.answer = lambda request: NONSENSE[what]()
    tracemalloc.start()
    try:
        for verb in ASK:
            began = time.monotonic()
            with pytest.raises(LeasesUnavailable) as told:
                ask(verb)
            assert time.monotonic() - began < options.redis_timeout + SLACK, verb
            assert str(told.value).isprintable()
            assert len(str(told.value)) < 1000
        assert tracemalloc.get_traced_memory()[1] < MEMORY
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("what", NONSENSE)
def test_whoever_enqueues_or_waits_for_a_hint_is_not_held_up_either(server, options, what):
    server.answer = lambda request: NONSENSE[what]()
    wake = Wake("false", options)
    began = time.monotonic()
    wake.hint(["mail"])
    with pytest.raises(LeasesUnavailable):
        wake.await_hint(["mail"])
    assert time.monotonic() - began < options.redis_timeout + options.keeper_seconds + 2 * SLACK
    wake.close()


@pytest.mark.parametrize("verb", ASK)
def test_what_is_right_is_believed(server, ask, verb):
    """Or the tests above would say nothing."""
    right = {
        "acquire": b"*0\r\n",
        "renew": b"*2\r\n:1\r\n:1000\r\n",
        "release": b":1\r\n",
        "witness": b"*2\r\n:1\r\n:1\r\n",
        "read": b"*4\r\n" + b"$0\r\n\r\n" * 3 + b":1\r\n",
    }
    server.answer = lambda request: right[verb]
    ask(verb)


@pytest.mark.parametrize("verb", ASK)
def test_an_error_is_no_answer(server, ask, verb):
    """Those of a server in trouble: a replica, one that loads, is full, has changed its password, …"""
    for error in TROUBLE:
        server.answer = lambda request, error=error: f"-{error}\r\n".encode()
        with pytest.raises(LeasesUnavailable):
            ask(verb)


def test_more_time_than_a_lease_has_is_not_believed(server, ask):
    server.answer = lambda request: b"*2\r\n:1\r\n:4611686018427387904\r\n"
    (renewed,), (refused,) = ask("renew"), ask("acquire")
    assert (renewed.held, renewed.ttl) == (True, LEASE)
    assert (refused.held, refused.ttl) == (False, LEASE)


HELD, NOT_HELD = b"*2\r\n:1\r\n:1000\r\n", b"*2\r\n:0\r\n:1000\r\n"


def too_late(seconds):
    time.sleep(seconds)
    yield HELD


@pytest.mark.parametrize("first", [lambda late: too_late(late), lambda late: 2 * HELD], ids=["late", "twice"])
def test_an_answer_to_one_question_is_not_taken_for_that_to_the_next(server, options, first):
    """Once one is late, or there is one too many, nobody knows what will come next on that connection."""
    mine, yours = new_fence(), new_fence()
    late = 1.5 * options.redis_timeout
    server.answer = lambda request: first(late) if mine.job_id.hex.encode() in request else NOT_HELD
    leases = Leases("false", options)

    def renewed(fence):
        try:
            return [grant.held for grant in leases.renew([Held(fence, 1, 7)], "anna")]
        except LeasesUnavailable:
            return None

    assert renewed(mine) in (None, [True])
    assert wait_until(lambda: renewed(yours), 5) == [False]
    leases.connection.close()


def test_a_server_cannot_send_its_clients_elsewhere_nor_have_them_wait_longer(server, options):
    """In RESP3 it could: redis-py would follow a push that says so."""
    said = []
    server.answer = lambda request: said.append(request) or b"*0\r\n"
    leases = Leases("false", options)
    leases.acquire([new_fence()], "anna")
    leases.connection.close()
    assert not any(b"HELLO" in request or b"MAINT_NOTIFICATIONS" in request for request in said)


def test_after_an_error_the_way_to_the_server_is_asked_for_anew(server, options):
    """One that was made a replica keeps its clients: whoever does not ask again who the master is stays there."""
    server.answer = lambda request: f"-{TROUBLE[0]}\r\n".encode()
    leases = Leases("false", options)
    for asked in (1, 2):
        with pytest.raises(LeasesUnavailable, match="read only replica"):
            leases.witness([])
        assert server.connections == asked
        time.sleep(options.redis_timeout)  # Until it is asked again.
    leases.connection.close()


def test_sentinels_that_do_not_answer_are_waited_for_but_a_moment(server, settings, options):
    """redis-py tries each of them again and again, with pauses, unless it is told not to."""
    sentinel = {
        "CLIENT_CLASS": "django_redis.client.SentinelClient",
        "CONNECTION_FACTORY": "django_redis.pool.SentinelConnectionFactory",
        "SENTINELS": [("127.0.0.1", server.port)],
    }
    settings.CACHES = {
        "false": {"BACKEND": "django_redis.cache.RedisCache", "LOCATION": "redis://mine/0", "OPTIONS": sentinel}
    }
    leases = Leases("false", options)
    began = time.monotonic()
    with pytest.raises(LeasesUnavailable):
        leases.witness([])
    assert time.monotonic() - began < options.redis_timeout + SLACK
    assert server.requests
    leases.connection.close()


@pytest.mark.parametrize("query", ["socket_timeout=60", "protocol=3", "retry_on_error=x&socket_connect_timeout=60"])
def test_what_stands_in_the_url_does_not_change_how_long_is_waited(server, settings, options, query):
    """redis-py prefers what is in a URL to what it is told."""
    url = f"{server.url}?{query}&client_name=mine"
    settings.CACHES = {"false": {"BACKEND": "django_redis.cache.RedisCache", "LOCATION": url}}
    leases = Leases("false", options)
    began = time.monotonic()
    with pytest.raises(LeasesUnavailable):
        leases.witness([])
    assert time.monotonic() - began < options.redis_timeout + SLACK
    assert leases.connection.client().get_connection_kwargs()["client_name"] == "mine"
    leases.connection.close()
