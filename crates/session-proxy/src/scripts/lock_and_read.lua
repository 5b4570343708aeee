local held = redis.call('get', KEYS[1])
if held and string.sub(held, 1, #ARGV[3]) ~= ARGV[3] then return {2} end
redis.call('set', KEYS[1], ARGV[1], 'px', ARGV[2])
return {1, redis.call('get', KEYS[2])}
