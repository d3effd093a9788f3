"""A worker that starts while its Redis is not there works, and takes leases as soon as it comes."""

from jobqueue.leases import LeasesUnavailable
from tests.app.slow_tasks import hold
from tests.waiting import wait_until


def test_it_works_and_takes_leases_when_redis_comes(redis, start_on, enqueue):
    redis.kill()
    start_on("default", concurrency=2, env={"REDIS_URL": redis.url})
    held, done = enqueue(hold, backend="default"), enqueue(hold, 0, backend="default")
    done.check_done(runs=1)
    held.wait_started()

    def is_leased():
        try:
            return held.renewals() > 0
        except LeasesUnavailable:
            return False

    assert not is_leased()
    redis.start()
    wait_until(is_leased)
    held.let_go()
    held.check_done(runs=1)
