-- acquire: take the leases of jobs, each for one claim.
--
-- KEYS[i]    a lease, a hash: holder = "attempt:token:worker", renewals, pid
-- ARGV[1]    the lease period, milliseconds
-- ARGV[1+i]  the claimant of KEYS[i], as "attempt:token:worker"
--
-- Returns {i, ttl, …} for those that are not taken: which one, and what is left of the lease there is, milliseconds.
--
-- Absent: set. Mine already (a reply was lost): extend. Held by a lower attempt (its claim is over): take over.
-- Held by this attempt under another token, or by a higher one (the database was restored to an older state): no.
-- What is no hash, or has no TTL, is no lease, whoever put it there. When there is no memory for one of them, the
-- others are taken all the same, and the answer is the server's error.

local answer, failed = {}, nil
for i, key in ipairs(KEYS) do
    local claimant, left = ARGV[1 + i], 0
    local holder = redis.pcall('HGET', key, 'holder')
    if type(holder) == 'table' then
        redis.call('DEL', key)
    elseif holder and holder ~= claimant then
        local held = tonumber(string.match(holder, '^(%d+):')) or 0
        left = held >= tonumber(string.match(claimant, '^(%d+):')) and redis.call('PTTL', key) or 0
        if left <= 0 then
            redis.call('DEL', key)
        end
    end
    if left > 0 then
        answer[#answer + 1], answer[#answer + 2] = i, left
    else
        local made = redis.pcall('HSET', key, 'holder', claimant)
        if type(made) == 'table' then
            failed = made
        end
        redis.call('PEXPIRE', key, ARGV[1])
    end
end
return failed or answer
