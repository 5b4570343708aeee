//! Integration tests: real pack, Docker engine, PHP, Redis and Memcached. `make test` sets them up.

#![cfg(test)]

mod build_log;
mod cloud_logins;
mod comparison;
mod concurrency;
mod costs;
mod demo;
mod detect;
mod distance;
mod extension;
mod extension_compiled;
mod extension_reuse;
mod failover;
#[path = "../../crates/cloud-login/src/tests/fake.rs"]
mod fake_cloud;
mod faults;
mod frameworks;
mod locks;
mod matrix;
mod memcached_sessions;
mod operations;
mod passwords;
mod php_as_users_have_it;
mod php_session_tests;
mod phpredis_commands;
mod platforms;
mod probe;
mod probe_servers;
mod products;
mod readme;
mod redis_servers;
mod redis_sessions;
mod reproducible;
mod rights;
mod round_trip;
mod servers;
mod session_check;
mod session_check_causes;
mod session_check_code;
mod session_check_page;
mod session_proxy;
mod session_proxy_faults;
mod session_proxy_life;
mod session_proxy_memory;
mod session_proxy_places;
mod session_proxy_rotation;
mod session_proxy_sidecar;
mod soak;
mod speed;
mod starts;
mod support;
mod web_servers;
