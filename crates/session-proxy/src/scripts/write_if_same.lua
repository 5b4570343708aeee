if redis.call('exists', KEYS[1]) == 1 then return 0 end
local data = redis.call('get', KEYS[2])
if data and data ~= ARGV[2] and data ~= ARGV[3] then return 0 end
redis.call('setex', KEYS[2], ARGV[1], ARGV[2])
return 1
