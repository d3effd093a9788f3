-- release: give the leases of claims back, each if it is still its own.
--
-- KEYS[i]  a lease, a hash: holder = "attempt:token:worker"
-- ARGV[i]  the claimant of KEYS[i], as "attempt:token:worker"
--
-- Returns how many leases were their claimants' and are gone.

local gone = 0
for i, key in ipairs(KEYS) do
    -- pcall: what is no hash is no lease, and must not keep the others from being given back.
    if redis.pcall('HGET', key, 'holder') == ARGV[i] then
        gone = gone + redis.call('DEL', key)
    end
end
return gone
