-- acquire: take the lease of a job for one claim.
--
-- KEYS[1]  the lease, a hash: holder = "attempt:token:worker", renewals, pid
-- ARGV[1]  the claimant, as "attempt:token:worker"
-- ARGV[2]  the lease period, milliseconds
--
-- Returns {taken, ttl}: taken is 1 or 0; ttl is what is left of the lease there is now, milliseconds.
--
-- Absent: set. Mine already (a reply was lost): extend. Held by a lower attempt (its claim is over): take over.
-- Held by this attempt under another token, or by a higher one (the database was restored to an older state): no.

local holder = redis.call('HGET', KEYS[1], 'holder')
if holder and holder ~= ARGV[1] then
    local held = tonumber(string.match(holder, '^(%d+):')) or 0
    local mine = tonumber(string.match(ARGV[1], '^(%d+):'))
    if held >= mine then
        return {0, redis.call('PTTL', KEYS[1])}
    end
    redis.call('DEL', KEYS[1])
end
redis.call('HSET', KEYS[1], 'holder', ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return {1, redis.call('PTTL', KEYS[1])}
