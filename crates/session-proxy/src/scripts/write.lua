local held = redis.call('get', KEYS[1])
if not held then return 2 end
if held ~= ARGV[1] then return 0 end
redis.call('setex', KEYS[2], ARGV[2], ARGV[3])
redis.call('del', KEYS[1])
return 1
