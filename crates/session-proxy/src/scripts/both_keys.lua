redis.call('get', KEYS[1])
redis.call('setex', KEYS[2], '10', '1')
return 1
