local extended = redis.call('expire', KEYS[2], ARGV[2])
if extended == 1 and redis.call('get', KEYS[1]) == ARGV[1] then redis.call('del', KEYS[1]) end
return extended
