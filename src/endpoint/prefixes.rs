//! What brokers and operators add to credentials: prefixes of names, and metadata.

use crate::store::Store;

/// Prefixes that some operators add to every name (Aiven: `REDIS_HOST`; Memcached Cloud:
/// `MEMCACHEDCLOUD_SERVERS`). Each store has its own, because one Secret may hold the credentials of both.
pub(super) fn prefixes(store: Store) -> &'static [&'static str] {
    match store {
        Store::Redis => &["redis_", "valkey_"],
        Store::Memcached => &["memcached_", "memcachedcloud_", "memcachier_"],
    }
}

/// Entries that describe a service rather than how to reach it. We don't use them, and don't report them as unused.
pub(super) const METADATA: [&str; 22] = [
    "binding-guid",
    "binding-name",
    "binding_guid",
    "binding_name",
    "instance-guid",
    "instance-name",
    "instance_guid",
    "instance_name",
    "label",
    "load_balanced_host",
    "memory_size_gb",
    "name",
    "plan",
    "provider",
    "reader_endpoint",
    "redis_version",
    "service_tier",
    "status",
    "tags",
    "tls_versions",
    "type",
    "version",
];
