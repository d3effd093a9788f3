"""Whatever stands under the key of a lease: it harms no other lease, and in the end it gives way to a claim."""

import pytest

from jobqueue.leases import Held
from jobqueue.leases.keys import holder, parse_holder
from tests.leases.calm import leases as leases
from tests.leases.calm import options as options
from tests.leases.calm import server as server
from tests.leases.conftest import LEASE, new_fence

OTHER_TYPES = {
    "text": lambda server, key: server.set(key, "1:2:3"),
    "list": lambda server, key: server.rpush(key, "x"),
    "set": lambda server, key: server.sadd(key, "x"),
    "sorted set": lambda server, key: server.zadd(key, {"x": 1}),
    "stream": lambda server, key: server.xadd(key, {"holder": "x"}),
}
HOLDERS = [
    b"",
    b":",
    b"1",
    b"not:a:holder",
    b"-5:00:x",
    b"\xff\xfe\x00",
    b"1:" + b"0" * 32 + b":",
    b"999999999999999999999999:" + b"0" * 32 + b":x",
    b"1e5:x:y",
    b"1:" + b"z" * 32 + b":x",
    b"x" * 100_000,
    b"999:" + b"0" * 32 + b":x",
]


@pytest.fixture(params=OTHER_TYPES)
def foreign(request):
    return OTHER_TYPES[request.param]


def test_a_value_of_another_type_gives_way_to_a_claim(leases, server, foreign):
    mine = [new_fence(), new_fence(), new_fence()]
    foreign(server, leases.keys.lease(mine[1].job_id))
    assert [grant.held for grant in leases.acquire(mine, "anna")] == [True, True, True]
    assert set(leases.read([claim.job_id for claim in mine])) == {claim.job_id for claim in mine}


def test_and_to_a_renewal(leases, server, foreign):
    mine = [new_fence(), new_fence(), new_fence()]
    leases.acquire(mine, "anna")
    key = leases.keys.lease(mine[1].job_id)
    server.delete(key)
    foreign(server, key)
    assert [grant.held for grant in leases.renew([Held(f, 1, 7) for f in mine], "anna")] == [True, True, True]
    assert server.type(key) == b"hash"


def test_it_is_not_given_back_but_the_others_are(leases, server, foreign):
    mine = [new_fence(), new_fence(), new_fence()]
    leases.acquire(mine, "anna")
    key = leases.keys.lease(mine[1].job_id)
    server.delete(key)
    foreign(server, key)
    assert leases.release(mine, "anna") == 2
    assert server.exists(key)


def test_it_hides_no_other_from_people(leases, server, foreign):
    mine = [new_fence(), new_fence()]
    leases.acquire(mine, "anna")
    forged = new_fence()
    foreign(server, leases.keys.lease(forged.job_id))
    assert set(leases.read([mine[0].job_id, forged.job_id, mine[1].job_id])) == {f.job_id for f in mine}


@pytest.mark.parametrize("value", HOLDERS, ids=lambda value: repr(value[:20]))
def test_a_holder_that_is_none_of_ours_and_has_no_end_gives_way(leases, server, value):
    """Ours always have one. A job whose lease nobody can ever take would be handed back again and again."""
    mine = new_fence(3)
    server.hset(leases.keys.lease(mine.job_id), "holder", value)
    assert [grant.held for grant in leases.acquire([mine], "anna")] == [True]

    server.delete(leases.keys.lease(mine.job_id))
    server.hset(leases.keys.lease(mine.job_id), "holder", value)
    assert [grant.held for grant in leases.renew([Held(mine, 1, None)], "anna")] == [True]


@pytest.mark.parametrize("value", HOLDERS, ids=lambda value: repr(value[:20]))
def test_one_that_will_end_never_breaks_anything(leases, server, value):
    mine, others = new_fence(3), [new_fence(), new_fence()]
    key = leases.keys.lease(mine.job_id)
    server.hset(key, mapping={"holder": value, "renewals": b"many", "pid": b"\xff"})
    server.pexpire(key, 1000)

    claims = [others[0], mine, others[1]]
    assert [g.held for g in leases.acquire(claims, "anna")][::2] == [True, True]
    assert [g.held for g in leases.renew([Held(f, 1, None) for f in claims], "anna")][::2] == [True, True]
    views = leases.read([f.job_id for f in claims])
    assert {f.job_id for f in others} <= set(views)
    assert leases.release(claims, "anna") >= 2


@pytest.mark.parametrize(
    ("renewals", "pid"),
    [(b"-1", b"-1"), (b"1e9", b"0x10"), (b"9" * 400, b"9" * 400), (b"", b""), ("٣".encode(), b" 1")],
)
def test_numbers_that_are_none_are_shown_as_none(leases, server, renewals, pid):
    mine = new_fence()
    leases.acquire([mine], "anna")
    server.hset(leases.keys.lease(mine.job_id), mapping={"renewals": renewals, "pid": pid})
    view = leases.read([mine.job_id])[mine.job_id]
    assert (view.renewals, view.pid) == (0, None)
    assert 0 < view.ttl <= LEASE


@pytest.mark.parametrize("worker", ["w", "host:with:colons", "ü 🐌", "x" * 128])
def test_the_name_of_a_worker_comes_back_as_it_was(worker):
    mine = new_fence(4294967295)
    assert parse_holder(holder(mine, worker).encode()) == (mine.attempt, mine.token, worker)
