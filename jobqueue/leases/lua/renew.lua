-- renew: extend the leases of claims, each if it is still its own.
--
-- KEYS[i]      a lease, a hash: holder = "attempt:token:worker", renewals, pid
-- ARGV[1]      the lease period, milliseconds
-- ARGV[3i-1]   the claimant of KEYS[i], as "attempt:token:worker"
-- ARGV[3i]     how often the claim has been renewed, with this time
-- ARGV[3i+1]   the pid of the process that runs the job, "" when it is not known
--
-- Returns {held, ttl, held, ttl, …}: held is 1 or 0; ttl is what is left of the lease there is now, milliseconds.
--
-- Mine: PEXPIRE, which works even when the server is out of memory; what is written for people to read may fail.
-- Absent (the server forgot): re-create, if there is memory; else it is not held. Another's: lost. What is no hash, or
-- has no TTL, is no lease, whoever put it there. Nothing that happens to one of them keeps the others from being renewed.

local answer = {}
for i, key in ipairs(KEYS) do
    local claimant, renewals, pid = ARGV[3 * i - 1], ARGV[3 * i], ARGV[3 * i + 1]
    local holder, held = redis.pcall('HGET', key, 'holder'), 1
    if type(holder) == 'table' or (holder and holder ~= claimant and redis.call('PTTL', key) < 0) then
        redis.call('DEL', key)
        holder = false
    end
    if holder and holder ~= claimant then
        held = 0
    elseif holder then
        redis.call('PEXPIRE', key, ARGV[1])
        redis.pcall('HSET', key, 'renewals', renewals, 'pid', pid)
    else
        local made = redis.pcall('HSET', key, 'holder', claimant, 'renewals', renewals, 'pid', pid)
        held = type(made) == 'table' and 0 or 1
        redis.call('PEXPIRE', key, ARGV[1])
    end
    answer[2 * i - 1], answer[2 * i] = held, redis.call('PTTL', key)
end
return answer
