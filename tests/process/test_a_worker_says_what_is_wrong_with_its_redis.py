"""A worker on a Redis that throws leases away says so when it starts, and works all the same."""

from tests.app.slow_tasks import hold


def test_an_evicting_policy_is_told_and_jobs_are_done(redis, start_on, enqueue):
    with redis.client() as client:
        client.config_set("maxmemory", "100mb")
        client.config_set("maxmemory-policy", "volatile-ttl")
    worker = start_on("default", env={"REDIS_URL": redis.url})
    enqueue(hold, 0, backend="default").check_done(runs=1)
    assert "its maxmemory-policy is volatile-ttl. Set its maxmemory-policy to noeviction" in worker.output
