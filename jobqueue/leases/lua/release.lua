-- release: give the lease of a claim back, if it is still its own.
--
-- KEYS[1]  the lease, a hash: holder = "attempt:token:worker"
-- ARGV[1]  the claimant, as "attempt:token:worker"
--
-- Returns 1 when the lease was the claimant's and is gone, 0 when nothing was done.

if redis.call('HGET', KEYS[1], 'holder') == ARGV[1] then
    return redis.call('DEL', KEYS[1])
end
return 0
