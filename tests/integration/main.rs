//! Integration tests: real pack, Docker engine, PHP, Redis and Memcached. `make test` sets them up.

#[cfg(test)]
mod build_log;
#[cfg(test)]
mod cloud_logins;
#[cfg(test)]
mod comparison;
#[cfg(test)]
mod concurrency;
#[cfg(test)]
mod costs;
#[cfg(test)]
mod demo;
#[cfg(test)]
mod detect;
mod distance;
#[cfg(test)]
mod extension;
#[cfg(test)]
mod extension_compiled;
#[cfg(test)]
mod extension_reuse;
#[cfg(test)]
mod failover;
#[cfg(test)]
#[path = "../../crates/cloud-login/src/tests/fake.rs"]
mod fake_cloud;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod frameworks;
#[cfg(test)]
mod locks;
#[cfg(test)]
mod matrix;
#[cfg(test)]
mod memcached_sessions;
#[cfg(test)]
mod operations;
#[cfg(test)]
mod passwords;
#[cfg(test)]
mod php_as_users_have_it;
#[cfg(test)]
mod php_session_tests;
#[cfg(test)]
mod phpredis_commands;
#[cfg(test)]
mod platforms;
#[cfg(test)]
mod probe;
#[cfg(test)]
mod probe_servers;
#[cfg(test)]
mod products;
#[cfg(test)]
mod readme;
#[cfg(test)]
mod redis_servers;
#[cfg(test)]
mod redis_sessions;
#[cfg(test)]
mod reproducible;
#[cfg(test)]
mod rights;
#[cfg(test)]
mod round_trip;
#[cfg(test)]
mod servers;
#[cfg(test)]
mod session_check;
#[cfg(test)]
mod session_check_causes;
mod session_check_code;
#[cfg(test)]
mod session_check_page;
#[cfg(test)]
mod session_proxy;
#[cfg(test)]
mod session_proxy_faults;
#[cfg(test)]
mod session_proxy_life;
#[cfg(test)]
mod session_proxy_memory;
#[cfg(test)]
mod session_proxy_places;
#[cfg(test)]
mod session_proxy_rotation;
#[cfg(test)]
mod session_proxy_sidecar;
#[cfg(test)]
mod soak;
#[cfg(test)]
mod speed;
#[cfg(test)]
mod starts;
#[cfg(test)]
mod support;
#[cfg(test)]
#[cfg(test)]
mod web_servers;
