//! The launch, run on every credential shape that brokers and operators give. The shapes and their
//! sources are those of the brokers' documents and code.

#[cfg(test)]
mod accounted;
#[cfg(test)]
mod certificates;
#[cfg(test)]
mod cloud_credentials;
#[cfg(test)]
mod cloud_launch;
#[cfg(test)]
mod cloud_logins;
#[cfg(test)]
mod cloud_signer;
#[cfg(test)]
mod cloud_site;
#[cfg(test)]
mod cloud_topologies;
#[cfg(test)]
#[path = "../../crates/cloud-login/src/tests/fake.rs"]
mod fake_cloud;
#[cfg(test)]
mod fake_server;
#[cfg(test)]
mod found;
#[cfg(test)]
mod frameworks;
#[cfg(test)]
mod frameworks_others;
#[cfg(test)]
mod harness;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod last_words;
#[cfg(test)]
mod launch_cluster;
#[cfg(test)]
mod memcached;
#[cfg(test)]
mod memcached_faults;
#[cfg(test)]
mod memcached_process;
#[cfg(test)]
mod memcached_proxy;
#[cfg(test)]
mod memcached_silence;
#[cfg(test)]
mod memcached_site;
#[cfg(test)]
mod names;
#[cfg(test)]
mod options;
#[cfg(test)]
mod probe;
#[cfg(test)]
mod probe_memcached;
#[cfg(test)]
mod probe_redis;
#[cfg(test)]
mod proxy;
#[cfg(test)]
mod proxy_cluster;
#[cfg(test)]
mod proxy_cluster_faults;
#[cfg(test)]
mod proxy_harness;
#[cfg(test)]
mod proxy_interleaved;
#[cfg(test)]
mod proxy_processes;
#[cfg(test)]
mod proxy_requests;
#[cfg(test)]
mod proxy_scale;
#[cfg(test)]
mod proxy_service;
#[cfg(test)]
mod proxy_site;
#[cfg(test)]
mod redis;
#[cfg(test)]
mod redis_client;
#[cfg(test)]
mod redis_cluster;
#[cfg(test)]
mod redis_process;
#[cfg(test)]
mod refused;
#[cfg(test)]
mod sentinel;
#[cfg(test)]
mod sentinel_launch;
#[cfg(test)]
mod sentinel_site;
#[cfg(test)]
mod sentinel_tls;
#[cfg(test)]
mod servers;
#[cfg(test)]
mod start;
mod topology;
#[cfg(test)]
mod variables;
