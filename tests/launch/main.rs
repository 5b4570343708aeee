//! The launch, run on every credential shape that brokers and operators give. The shapes and their
//! sources are those of the brokers' documents and code.

#![cfg(test)]

mod accounted;
mod certificates;
mod cloud_credentials;
mod cloud_launch;
mod cloud_logins;
mod cloud_processes;
mod cloud_signer;
mod cloud_site;
mod cloud_topologies;
#[path = "../../crates/cloud-login/src/tests/fake.rs"]
mod fake_cloud;
mod fake_server;
mod found;
mod frameworks;
mod frameworks_others;
mod harness;
mod hostile;
mod last_words;
mod later_commands;
mod launch_cluster;
mod memcached;
mod memcached_faults;
mod memcached_process;
mod memcached_proxy;
mod memcached_silence;
mod memcached_site;
mod names;
mod options;
mod probe;
mod probe_memcached;
mod probe_redis;
mod proxy;
mod proxy_cluster;
mod proxy_cluster_faults;
mod proxy_harness;
mod proxy_interleaved;
mod proxy_processes;
mod proxy_requests;
mod proxy_scale;
mod proxy_service;
mod proxy_site;
mod redis;
mod redis_client;
mod redis_cluster;
mod redis_process;
mod refused;
mod sentinel;
mod sentinel_launch;
mod sentinel_site;
mod sentinel_tls;
mod servers;
mod start;
mod topology;
mod variables;
