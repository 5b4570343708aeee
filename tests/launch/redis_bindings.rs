//! Redis bindings of Kubernetes' operators and charts.

use crate::bench::{Bench, CA, KEY};
use php_session_store::store::Store;

#[test]
fn redis_bindings_of_kubernetes() {
    let rows: [(&str, &[(&str, &str)], &str); 14] = [
        // Bitnami puts the password in the uri's user position.
        (
            "Bitnami's chart",
            &[
                ("provider", "bitnami"),
                ("host", "r.svc"),
                ("port", "6379"),
                ("password", "pw"),
                ("uri", "redis://pw@r.svc:6379"),
            ],
            "tcp://r.svc:6379?…&auth=pw",
        ),
        (
            "a uri of that kind alone",
            &[("uri", "redis://p%40w@r.svc:6379")],
            "tcp://r.svc:6379?…&auth=p%40w",
        ),
        (
            "Tanzu AppSSO, ElastiCache by SecretTemplate",
            &[
                ("host", "r.svc"),
                ("port", "6379"),
                ("username", "default"),
                ("password", "pw"),
                ("ssl", "true"),
            ],
            "tls://r.svc:6379?…&auth=pw&stream[verify_peer]=1",
        ),
        (
            "Spring's names",
            &[
                ("host", "h"),
                ("port", "6379"),
                ("password", "pw"),
                ("database", "2"),
                ("client-name", "x"),
                ("ssl", "false"),
            ],
            "tcp://h:6379?…&auth=pw&database=2",
        ),
        (
            "Spring's cluster",
            &[
                ("cluster.nodes", "h1:6379,h2:6380"),
                ("cluster.max-redirects", "3"),
                ("redis-password", "pw"),
            ],
            "seed[]=h1%3A6379&seed[]=h2%3A6380&…&auth=pw",
        ),
        (
            "Aiven's operator: prefixed, and the same without prefix",
            &[
                ("REDIS_HOST", "h.aivencloud.com"),
                ("REDIS_PORT", "12691"),
                ("REDIS_USER", "default"),
                ("REDIS_PASSWORD", "pw"),
                ("REDIS_SSL", "required"),
                ("HOST", "h.aivencloud.com"),
                ("PORT", "12691"),
                ("USER", "default"),
                ("PASSWORD", "pw"),
            ],
            "tls://h.aivencloud.com:12691?…&auth=pw&stream[verify_peer]=1",
        ),
        (
            "Aiven's Valkey",
            &[
                ("VALKEY_HOST", "h"),
                ("VALKEY_PORT", "1"),
                ("VALKEY_USER", "avnadmin"),
                ("VALKEY_PASSWORD", "pw"),
                ("VALKEY_URI", "valkeys://avnadmin:pw@h:1"),
            ],
            "tls://h:1?…&auth[]=avnadmin&auth[]=pw&stream[verify_peer]=1",
        ),
        (
            "Azure Service Operator",
            &[
                ("hostName", "h.redis.cache.windows.net"),
                ("primaryKey", "k="),
                ("port", "6379"),
                ("sslPort", "6380"),
            ],
            "tls://h.redis.cache.windows.net:6380?…&auth=k%3D&stream[verify_peer]=1",
        ),
        (
            "Cloud Foundry's files: nested values are JSON",
            &[
                ("label", "a9s-redis"),
                ("plan", "small"),
                ("host", "m.a9ssvc"),
                ("hosts", r#"["e-0","e-1"]"#),
                ("redis", r#"{"username":"u","password":"p","port":6380}"#),
                ("sentinel", r#"{"master_name":"m"}"#),
            ],
            "tcp://m.a9ssvc:6380?…&auth[]=u&auth[]=p",
        ),
        (
            "our own names",
            &[
                ("host", "h"),
                ("port", "6379\n"),
                ("username", "shop"),
                ("password", "p w\n"),
                ("ssl", "true"),
                ("ca.crt", CA),
                ("tls.crt", CA),
                ("tls.key", KEY),
                ("database", "1"),
                ("prefix", "shop:"),
            ],
            "tls://h:6379?…&auth[]=shop&auth[]=p%20w&database=1&prefix=shop%3A&stream[verify_peer]=1\
             &stream[cafile]=*.crt&stream[local_cert]=*.crt&stream[local_pk]=*.key",
        ),
        (
            "an IPv6 address",
            &[("host", "fd00::5"), ("password", "pw")],
            "tcp://fd00::5:6379?…&auth=pw",
        ),
        (
            "an IPv6 address with TLS",
            &[("uri", "rediss://:pw@[fd00::5]:7000")],
            "tls://fd00::5:7000?…&auth=pw&stream[verify_peer]=1&stream[peer_name]=fd00%3A%3A5",
        ),
        (
            "a socket",
            &[("uri", "unix:///var/run/redis.sock"), ("password", "pw")],
            "unix:///var/run/redis.sock?…&auth=pw",
        ),
        ("schemes", &[("url", "valkey://u:p@h:1/3")], "tcp://h:1?…&auth[]=u&auth[]=p&database=3"),
    ];
    let bench = Bench::new(Store::Redis, "6.2.0");
    for (what, files, expected) in rows {
        let variables = bench.binding(files).unwrap_or_else(|error| panic!("{what}: {error}"));
        // A binding's own file is used as it is.
        let path = bench.masked(&variables);
        let path = mask_binding_files(&path);
        assert_eq!(path, expected, "{what}");
    }
}

/// Files of the binding lie in a folder with a name of its own.
fn mask_binding_files(path: &str) -> String {
    let mask = |part: &str| match part.split_once("=%2F") {
        Some((name, file)) => format!("{name}=*{}", &file[file.rfind('.').unwrap()..]),
        None => part.to_owned(),
    };
    path.split('&').map(mask).collect::<Vec<_>>().join("&")
}
