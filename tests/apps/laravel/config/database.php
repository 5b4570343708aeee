<?php
// The variables and defaults of Laravel's own file for Redis: 8.x knows no REDIS_USERNAME.
$connection = fn (string $database): array => array_merge([
    'url' => env('REDIS_URL'),
    'host' => env('REDIS_HOST', '127.0.0.1'),
    'password' => env('REDIS_PASSWORD'),
    'port' => env('REDIS_PORT', '6379'),
    'database' => $database,
], version_compare(app()->version(), '9', '<') ? [] : ['username' => env('REDIS_USERNAME')]);

return [
    'default' => env('DB_CONNECTION', 'mysql'),
    'connections' => [],
    'redis' => [
        'client' => env('REDIS_CLIENT', 'phpredis'),
        'options' => [
            'cluster' => env('REDIS_CLUSTER', 'redis'),
            'prefix' => env('REDIS_PREFIX', 'laravel_database_'),
        ],
        'default' => $connection(env('REDIS_DB', '0')),
        'cache' => $connection(env('REDIS_CACHE_DB', '1')),
    ],
];
