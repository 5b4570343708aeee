<?php
// php-fpm's master runs this once, before it starts the workers. libsasl2 looks for its mechanisms where
// SASL_PATH says, at the first login of a process, and php-fpm clears the environment of its workers
// (clear_env): so the mechanisms are loaded here, and the workers inherit them.
if (PHP_SAPI === 'fpm-fcgi' && class_exists('Memcached')) {
    $memcached = new Memcached();
    $memcached->setOption(Memcached::OPT_BINARY_PROTOCOL, true);
    $memcached->setSaslAuthData('nobody', 'nothing');
}
