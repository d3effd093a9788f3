-- witness: say which leases are held, and whether this server remembers enough to be believed.
--
-- KEYS[1]   the epoch, without a TTL: the server's time at which this memory began, milliseconds
-- KEYS[2…]  leases
-- ARGV[1]   the lease period, milliseconds
--
-- Returns {believed, held, held, …}: believed is 1 when the memory is older than a lease period, so that every
-- living owner had the time to renew since it began; held is 1 or 0 for each lease.
--
-- A missing epoch means that the server forgot everything: a new one begins now. One in the future means that the
-- server's clock went back: it begins anew too. A lease that has more than a period left is one that nobody has
-- renewed since the clock went back, and one without a TTL is none: neither says that anybody is alive.

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local period = tonumber(ARGV[1])
local epoch = redis.pcall('GET', KEYS[1])
local began = type(epoch) == 'string' and tonumber(epoch) or nil
if not began or began ~= began or began > now then
    began = now
    redis.call('SET', KEYS[1], string.format('%.0f', now))
end
local answer = {now - began >= period and 1 or 0}
for i = 2, #KEYS do
    local ttl = redis.call('PTTL', KEYS[i])
    answer[i] = ttl > 0 and ttl <= period and 1 or 0
end
return answer
