<?php
// What pages set about locks, in each store's own words. Where its extension is not loaded, a setting is none.

function locking(bool $on): void
{
    ini_set('redis.session.locking_enabled', (int) $on);
    ini_set('memcached.sess_locking', (int) $on);
}

// Without the session proxy, a lock of this page ends after so many seconds.
function lock_ends(int $seconds): void
{
    ini_set('redis.session.lock_expire', $seconds);
    ini_set('memcached.sess_lock_expire', $seconds);
}

// Asks once again for a lock that somebody else has, after a millisecond.
function tries_once(): void
{
    ini_set('redis.session.lock_retries', 1);
    ini_set('redis.session.lock_wait_time', 1000);
    ini_set('memcached.sess_lock_retries', 1);
    ini_set('memcached.sess_lock_wait_max', 1);
    ini_set('memcached.sess_lock_wait_min', 1);
}
