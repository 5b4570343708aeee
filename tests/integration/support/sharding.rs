//! Proxies that spread keys over two servers: each sees a command's first key, and takes the rest along.

use super::app::of_setup;
use super::docker::Container;
use super::services::IMAGE;

/// Two servers in the proxy's own container.
const SERVERS: &str =
    "for port in 6380 6381; do redis-server --port $port --save '' --daemonize yes; done";
const MEMCACHED_SERVERS: &str =
    "for port in 11212 11213; do memcached -u memcache -p $port -d; done";

/// twemproxy, which closes the connection at a command that it does not know.
pub(crate) fn twemproxy() -> Container {
    const CONFIGURATION: &str = "
pool:
  listen: 0.0.0.0:6379
  redis: true
  servers:
    - 127.0.0.1:6380:1
    - 127.0.0.1:6381:1
";
    start(&[], CONFIGURATION, &[SERVERS, "nutcracker -c /tmp/configuration"], 6379)
}

/// The same for Memcached: it speaks the text protocol only.
pub(crate) fn twemproxy_of_memcached() -> Container {
    const CONFIGURATION: &str = "
pool:
  listen: 0.0.0.0:11211
  servers:
    - 127.0.0.1:11212:1
    - 127.0.0.1:11213:1
";
    start(&[], CONFIGURATION, &[MEMCACHED_SERVERS, "nutcracker -c /tmp/configuration"], 11211)
}

/// Envoy with its Redis proxy, which answers `INFO`, `ECHO` and `SELECT` as a Redis would.
pub(crate) fn envoy() -> Container {
    const CONFIGURATION: &str = r#"
static_resources:
  listeners:
    - address: {socket_address: {address: 0.0.0.0, port_value: 6379}}
      filter_chains:
        - filters:
            - name: envoy.filters.network.redis_proxy
              typed_config:
                "@type": type.googleapis.com/envoy.extensions.filters.network.redis_proxy.v3.RedisProxy
                stat_prefix: redis
                settings: {op_timeout: 5s}
                prefix_routes: {catch_all_route: {cluster: redis}}
  clusters:
    - name: redis
      lb_policy: MAGLEV
      load_assignment:
        cluster_name: redis
        endpoints:
          - lb_endpoints:
              - endpoint: {address: {socket_address: {address: 127.0.0.1, port_value: 6380}}}
              - endpoint: {address: {socket_address: {address: 127.0.0.1, port_value: 6381}}}
"#;
    let program = format!("{}:/usr/local/bin/envoy:ro", of_setup("bin/envoy").display());
    // Not `.yaml` or `.json` means another format to it.
    let command = "mv /tmp/configuration /tmp/envoy.yaml; exec envoy --config-path /tmp/envoy.yaml";
    start(&["--volume", &program], CONFIGURATION, &[SERVERS, command], 6379)
}

fn start(options: &[&str], configuration: &str, commands: &[&str; 2], port: u16) -> Container {
    let commands = commands.join("\n");
    let script = format!("cat >/tmp/configuration <<'END'\n{configuration}\nEND\n{commands}");
    let container = Container::start(options, IMAGE, &["sh", "-c", &script]);
    container.wait_for_port(port);
    container
}
