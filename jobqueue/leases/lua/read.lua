-- read: tell what is known of leases, for people to look at.
--
-- KEYS[i]  a lease, a hash: holder = "attempt:token:worker", renewals, pid
-- ARGV[1]  how long each of these may be, bytes
--
-- Returns {holder, renewals, pid, ttl, …}: what is missing or too long to be ours is ""; ttl is in milliseconds.
--
-- What is no hash is no lease, and must not hide the others; nor may somebody's huge value.

local answer = {}
for i, key in ipairs(KEYS) do
    for j, field in ipairs({'holder', 'renewals', 'pid'}) do
        local length = redis.pcall('HSTRLEN', key, field)
        local fits = type(length) == 'number' and length <= tonumber(ARGV[1])
        answer[4 * i - 4 + j] = fits and redis.call('HGET', key, field) or ''
    end
    answer[4 * i] = redis.call('PTTL', key)
end
return answer
