-- renew: extend the lease of a claim, if it is still its own.
--
-- KEYS[1]  the lease, a hash: holder = "attempt:token:worker", renewals, pid
-- ARGV[1]  the claimant, as "attempt:token:worker"
-- ARGV[2]  the lease period, milliseconds
-- ARGV[3]  how often the claim has been renewed, with this time
-- ARGV[4]  the pid of the process that runs the job, "" when it is not known
--
-- Returns {held, ttl}: held is 1 or 0; ttl is what is left of the lease there is now, milliseconds.
--
-- Mine: PEXPIRE, which works even when the server is out of memory; what is written for people to read may fail.
-- Absent (the server forgot): re-create. Another's: lost.

local holder = redis.call('HGET', KEYS[1], 'holder')
if holder and holder ~= ARGV[1] then
    return {0, redis.call('PTTL', KEYS[1])}
end
if holder then
    redis.call('PEXPIRE', KEYS[1], ARGV[2])
    redis.pcall('HSET', KEYS[1], 'renewals', ARGV[3], 'pid', ARGV[4])
else
    redis.call('HSET', KEYS[1], 'holder', ARGV[1], 'renewals', ARGV[3], 'pid', ARGV[4])
    redis.call('PEXPIRE', KEYS[1], ARGV[2])
end
return {1, redis.call('PTTL', KEYS[1])}
