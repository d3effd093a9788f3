"""Between the moment that Redis forgets everything and the next renewal, nobody is dead for want of a lease. S12."""

import pytest

from jobqueue.conf import Options
from jobqueue.leases import Leases
from jobqueue.worker.holdings import Holdings
from jobqueue.worker.keeper import Keeper
from jobqueue.worker.renewer import LeaseRenewer
from tests import rows
from tests.waiting import wait_until
from tests.worker.parts import identity, trust

LEASE = 1.0


@pytest.fixture
def options(own_redis, settings):
    settings.CACHES = {"own": {"BACKEND": "django_redis.cache.RedisCache", "LOCATION": own_redis.url}}
    return Options(redis="own", lease_seconds=LEASE, key_prefix="t")


@pytest.fixture
def leases(options):
    leases = Leases("own", options)
    yield leases
    leases.connection.close()


def test_a_job_of_which_the_lease_was_the_only_witness_is_left_to_its_owner(
    transactional_db, leases, options, own_redis
):
    rows.worker("owner", beat_ago=60, lease=LEASE)
    held, bare = rows.claimed("owner"), rows.claimed("owner")
    holdings = Holdings()
    holdings.add(held)
    owner = LeaseRenewer(leases, holdings, trust(), identity(id="owner"), period=LEASE / 3)
    keeper = Keeper("default", "keeper", leases, options, woken=lambda: None)

    def renew_and_look(is_over):
        owner.tick()
        keeper.tick()
        assert rows.job(held.job_id).status == "RUNNING"
        return is_over()

    # By then the keeper has seen enough to rescue a job that has no lease, and only that.
    wait_until(lambda: renew_and_look(lambda: rows.job(bare.job_id).status == "READY"), 10)

    own_redis.flush()
    keeper.tick()
    assert rows.job(held.job_id).status == "RUNNING"

    # Once the memory is as old as a lease it is believed again: as to who is alive, and as to who is dead.
    wait_until(lambda: renew_and_look(lambda: leases.witness([held.job_id]) is not None), 10)
    wait_until(lambda: (keeper.tick(), rows.job(held.job_id).status == "READY")[1], 10)
