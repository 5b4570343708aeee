//! Redis services of Cloud Foundry's brokers.

use crate::bench::{Bench, CA, CA_BASE64};
use php_session_store::directives::Variable;
use php_session_store::store::Store;
use serde_json::json;
use std::fs;

#[test]
fn redis_services_of_cloud_foundry() {
    let ibm = json!({
        "composed": ["rediss://admin:pw@h.databases.example:32371/0"],
        "hosts": [{"hostname": "h.databases.example", "port": 32371}],
        "authentication": {"method": "direct", "username": "admin", "password": "pw"},
        "path": "/0", "scheme": "rediss", "type": "uri",
        "certificate": {"name": "ca-1", "certificate_base64": CA_BASE64},
    });
    let rows = [
        (
            "p-redis",
            json!({"host": "10.0.0.1", "port": 6379, "password": "pw"}),
            "tcp://10.0.0.1:6379?…&auth=pw",
        ),
        // Both ports are open: TLS.
        (
            "p.redis",
            json!({"host": "q-s0.r.svc.si-11.bosh", "port": 6379, "tls_port": 16379,
                "tls_versions": ["tlsv1.2"], "password": "pw-one"}),
            "tls://q-s0.r.svc.si-11.bosh:16379?…&auth=pw-one&stream[verify_peer]=1",
        ),
        (
            "p.redis",
            json!({"host": "h", "port": 6379, "tls_port": 16379, "ssl": false, "password": "pw"}),
            "tcp://h:6379?…&auth=pw",
        ),
        // Blacksmith: `hosts` only where it is a cluster.
        (
            "valkey",
            json!({"host": "10.0.0.1", "port": 6379, "tls_port": 16379, "password": "pw"}),
            "tls://10.0.0.1:16379?…&auth=pw&stream[verify_peer]=1",
        ),
        (
            "valkey",
            json!({"host": "10.0.0.1", "hosts": ["10.0.0.1", "10.0.0.2"], "port": 6379, "password": "pw"}),
            "seed[]=10.0.0.1%3A6379&seed[]=10.0.0.2%3A6379&…&auth=pw",
        ),
        (
            "rediscloud",
            json!({"hostname": "pub-redis-1.example", "port": "17546", "password": "pw"}),
            "tcp://pub-redis-1.example:17546?…&auth=pw",
        ),
        (
            "csb-aws-redis",
            json!({"name": "csb-1", "host": "m.cache.example", "tls_port": 6379,
                "reader_endpoint": "r.cache.example", "password": "pw+two/="}),
            "tls://m.cache.example:6379?…&auth=pw%2Btwo%2F%3D&stream[verify_peer]=1",
        ),
        (
            "csb-azure-redis",
            json!({"name": "csb-1", "host": "h.redis.cache.windows.net", "tls_port": 6380, "password": "pw="}),
            "tls://h.redis.cache.windows.net:6380?…&auth=pw%3D&stream[verify_peer]=1",
        ),
        (
            "csb-google-redis",
            json!({"memory_size_gb": 4, "service_tier": "BASIC", "redis_version": "REDIS_6_X",
                "host": "10.1.2.3", "port": 6379}),
            "tcp://10.1.2.3:6379?…",
        ),
        // SAP: the uri's user is none.
        (
            "redis-cache",
            json!({"hostname": "c.example", "port": 1234, "password": "pw3", "tls": true,
                "cluster_mode": false, "uri": "rediss://nouser:pw3@c.example:1234"}),
            "tls://c.example:1234?…&auth=pw3&stream[verify_peer]=1",
        ),
        (
            "redis-cache",
            json!({"hostname": "c.example", "port": 1234, "password": "pw3", "tls": true, "cluster_mode": true}),
            "seed[]=c.example%3A1234&…&auth=pw3&stream[verify_peer]=1",
        ),
        // a9s: `host` follows a failover, `hosts` and `load_balanced_host` do not.
        (
            "a9s-redis",
            json!({"host": "e-master.service.dc1.a9ssvc", "hosts": ["e-0", "e-1"],
                "load_balanced_host": "e.service.dc1.a9ssvc",
                "redis": {"username": "u", "password": "p", "port": 6379},
                "sentinel": {"master_name": "e-master", "username": "s", "password": "sp", "port": 26379}}),
            "tcp://e-master.service.dc1.a9ssvc:6379?…&auth[]=u&auth[]=p",
        ),
        (
            "a9s-redis32",
            json!({"host": "e-master.service.dc1.a9ssvc", "hosts": ["e-0", "e-1"],
                "load_balanced_host": "e", "password": "p", "port": 6380,
                "sentinel_master_name": "e-master", "sentinel_port": 26379, "cacrt": CA}),
            "tcp://e-master.service.dc1.a9ssvc:6380?…&auth=p",
        ),
        (
            "a9s-keyvalue",
            json!({"host": "kv.a9ssvc", "valkey": {"username": "u", "password": "p", "port": 6379},
                "sentinel": {"master_name": "m", "password": "sp", "port": 26379}}),
            "tcp://kv.a9ssvc:6379?…&auth[]=u&auth[]=p",
        ),
        (
            "databases-for-redis",
            json!({"connection": {"rediss": ibm}}),
            "tls://h.databases.example:32371?…&auth[]=admin&auth[]=pw&database=0\
             &stream[verify_peer]=1&stream[cafile]=*.pem",
        ),
        // The same as a resource key: flat, with dots in the names.
        (
            "databases-for-redis",
            json!({"connection.rediss.composed.0": "rediss://admin:pw@h.databases.example:32371/0",
                "connection.rediss.certificate.certificate_base64": CA_BASE64}),
            "tls://h.databases.example:32371?…&auth[]=admin&auth[]=pw&database=0\
             &stream[verify_peer]=1&stream[cafile]=*.pem",
        ),
        (
            "redis",
            json!({"host": "h", "port": 6379, "name": "n", "password": "pw", "tls_enabled": true,
                "uri": "rediss://:pw@h:6379"}),
            "tls://h:6379?…&auth=pw&stream[verify_peer]=1",
        ),
    ];
    let bench = Bench::new(Store::Redis, "6.2.0");
    for (label, credentials, expected) in rows {
        let variables = bench.vcap(label, &credentials).unwrap();
        assert_eq!(bench.masked(&variables), expected, "{label} {credentials}");
    }
}

#[test]
fn an_authority_that_5_3_cannot_be_told_of_is_php_s_together_with_the_systems() {
    let credentials = json!({"host": "h", "tls": true, "password": "pw", "cacrt": CA});
    let bench = Bench::new(Store::Redis, "5.3.7");
    let variables = bench.vcap("x", &credentials).unwrap();
    assert_eq!(bench.masked(&variables), "tls://h:6379?…&auth=pw");
    let bundle = fs::read_to_string(&variables[Variable::AuthorityFile.name()]).unwrap();
    assert!(bundle.starts_with(CA));
    let drop_in = bench.layer.path().join("authority.d");
    assert!(variables[Variable::IniScanDir.name()].ends_with(drop_in.to_str().unwrap()));

    // A cluster's handler can be told of it in every version.
    let cluster = json!({"cluster.nodes": "h:1", "tls": true, "password": "pw", "cacrt": CA});
    let variables = bench.vcap("x", &cluster).unwrap();
    assert!(!variables.contains_key(Variable::AuthorityFile.name()));
    assert!(bench.masked(&variables).ends_with("&stream[verify_peer]=1&stream[cafile]=*.pem"));
}
