//! Real servers, in containers.

use super::docker::{Container, wait_until};
use super::memcached_client::MemcachedClient;
use php_session_store::store::Store;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::net::TcpStream;
use std::time::Duration;

pub(crate) const IMAGE: &str = "php-session-store/services";

/// A Redis server.
pub(crate) struct Redis {
    pub(crate) container: Container,
}

impl Redis {
    /// Starts a server whose user `default` has this password.
    pub(crate) fn start(password: &str) -> Self {
        Self::start_with(&["--requirepass", password])
    }

    /// Starts a server with further options; without any it has no password.
    pub(crate) fn start_with(options: &[&str]) -> Self {
        Self::start_program(IMAGE, "redis-server", options)
    }

    /// Starts a server of another version or kind.
    pub(crate) fn start_program(image: &str, program: &str, options: &[&str]) -> Self {
        let mut command = vec![program, "--protected-mode", "no", "--save", ""];
        command.extend(options);
        let redis = Self { container: Container::start(&[], image, &command) };
        wait_until("Redis", || redis.answers().is_ok_and(|answer| !answer.is_empty()));
        redis
    }

    /// What the server says to a client that goes: then it has no client.
    fn answers(&self) -> io::Result<String> {
        let mut client = TcpStream::connect(self.container.address(6379))?;
        client.set_read_timeout(Some(Duration::from_secs(10)))?;
        client.write_all(b"QUIT\r\n")?;
        io::read_to_string(client)
    }

    /// The host, for other containers.
    pub(crate) fn host(&self) -> String {
        self.container.ip()
    }

    /// A client's connection, before any login.
    pub(crate) fn connection(&self) -> redis::Connection {
        let address = self.container.address(6379);
        let client = redis::Client::open(format!("redis://{address}/")).expect("an address");
        client.get_connection().expect("a connection")
    }

    /// Makes a cluster's node that owns every slot: one address, which refuses commands with keys of two slots.
    pub(crate) fn own_all_slots(&self) {
        let mut connection = self.connection();
        run(&mut connection, &["CLUSTER", "ADDSLOTSRANGE", "0", "16383"]);
        wait_until("the cluster", || {
            let state: String =
                redis::cmd("CLUSTER").arg("INFO").query(&mut self.connection()).expect("a state");
            state.contains("cluster_state:ok")
        });
    }

    /// Refuses new connections from now on. The address stays its own: that of a container that stops is soon
    /// somebody else's.
    pub(crate) fn stop_listening(&self, password: &str) {
        let mut connection = self.connection();
        run(&mut connection, &["AUTH", password]);
        run(&mut connection, &["CONFIG", "SET", "port", "6399"]);
    }

    /// How many sessions the server keeps, asked as user `default` with this password.
    pub(crate) fn sessions(&self, password: &str) -> usize {
        let mut connection = self.connection();
        run(&mut connection, &["AUTH", password]);
        let keys: Vec<String> =
            redis::cmd("KEYS").arg("PHPREDIS_SESSION:*").query(&mut connection).expect("keys");
        keys.iter().filter(|key| !key.ends_with("_LOCK")).count()
    }
}

/// A Memcached server.
pub(crate) struct Memcached {
    pub(crate) container: Container,
}

/// Gives the server users of its own.
pub(crate) const SASL_SETUP: &str = "mkdir /sasl
    printf 'mech_list: plain\\nsasldb_path: /sasl/db\\n' >/sasl/memcached.conf
    echo x | saslpasswd2 -p -c -a memcached -f /sasl/db -u memcached nobody
    chown -R memcache /sasl
    export SASL_CONF_PATH=/sasl";
/// The server with users.
pub(crate) const SASL_MEMCACHED: &str = "memcached -u memcache -S";

/// The realm of the server's users: libsasl2 takes the host's name.
pub(crate) const REALM: &str = "memcached";

impl Memcached {
    /// Starts a server that asks nobody for a password.
    pub(crate) fn start() -> Self {
        Self::start_with("exec memcached -u memcache")
    }

    /// Starts a server that asks for a login by SASL.
    pub(crate) fn start_with_login(user: &str, password: &str) -> Self {
        let script = format!("{SASL_SETUP}; exec {SASL_MEMCACHED}");
        let memcached = Self::start_with(&script);
        memcached.set_password(user, password);
        memcached
    }

    /// Starts a server with a shell script.
    pub(crate) fn start_with(script: &str) -> Self {
        let container = Container::start(&["--hostname", REALM], IMAGE, &["sh", "-c", script]);
        container.wait_for_port(11211);
        Self { container }
    }

    /// Sets the password of a user, who need not exist.
    pub(crate) fn set_password(&self, user: &str, password: &str) {
        let command =
            ["saslpasswd2", "-p", "-c", "-a", "memcached", "-f", "/sasl/db", "-u", REALM, user];
        let (succeeded, said) = self.container.exec_with_input(&command, password);
        assert!(succeeded, "{user:?}: {said}");
    }

    /// The server, for other containers.
    pub(crate) fn server(&self) -> String {
        format!("{}:11211", self.container.ip())
    }

    /// A client of the text protocol, which only a server without a login speaks.
    pub(crate) fn client(&self) -> MemcachedClient {
        MemcachedClient::connect(self.container.address(11211))
    }

    /// How many items the server keeps; only one without a login says it.
    pub(crate) fn items(&self) -> u32 {
        let stats = self.client().lines("stats");
        let items = stats.iter().find_map(|line| line.strip_prefix("STAT curr_items "));
        items.and_then(|items| items.trim().parse().ok()).unwrap_or_else(|| panic!("{stats:?}"))
    }

    /// The keys that the server keeps, each with the seconds until it expires.
    pub(crate) fn expirations(&self) -> BTreeMap<String, i64> {
        let expirations = self.client().expirations().into_iter();
        let text = |key| String::from_utf8(key).expect("a key in ASCII");
        expirations.map(|(key, seconds)| (text(key), seconds)).collect()
    }
}

/// Runs one command on a connection.
pub(crate) fn run(connection: &mut redis::Connection, words: &[&str]) {
    let mut command = redis::cmd(words[0]);
    command.arg(&words[1..]);
    command.exec(connection).unwrap_or_else(|error| panic!("{}: {error}", words[0]));
}

/// A server of a store that asks for a password.
pub(crate) struct BoundService {
    server: StoreServer,
    password: String,
}

enum StoreServer {
    Redis(Redis),
    Memcached(Memcached),
}

/// The user of the Memcached servers.
pub(crate) const USER: &str = "shop";

impl BoundService {
    /// Starts a server that asks for this password.
    pub(crate) fn start(store: Store, password: &str) -> Self {
        let server = match store {
            Store::Redis => StoreServer::Redis(Redis::start(password)),
            Store::Memcached => StoreServer::Memcached(Memcached::start_with_login(USER, password)),
        };
        Self { server, password: password.to_owned() }
    }

    /// Which store it is.
    pub(crate) fn store(&self) -> Store {
        match self.server {
            StoreServer::Redis(_) => Store::Redis,
            StoreServer::Memcached(_) => Store::Memcached,
        }
    }

    /// The `docker run` option that binds the service to an instance, by the usual name.
    pub(crate) fn env(&self) -> String {
        self.env_with(&self.password)
    }

    /// As [`Self::env`], with another password.
    pub(crate) fn env_with(&self, password: &str) -> String {
        let (name, credentials) = match &self.server {
            StoreServer::Redis(redis) => {
                ("my-redis-sessions", json!({"host": redis.host(), "password": password}))
            }
            StoreServer::Memcached(memcached) => (
                "my-memcached-sessions",
                json!({"servers": memcached.server(), "username": USER, "password": password}),
            ),
        };
        format!("VCAP_SERVICES={}", vcap(&[(name, credentials)]))
    }

    /// Changes the password at the server.
    pub(crate) fn set_password(&self, password: &str) {
        match &self.server {
            StoreServer::Redis(redis) => {
                let mut connection = redis.connection();
                run(&mut connection, &["AUTH", &self.password]);
                run(&mut connection, &["CONFIG", "SET", "requirepass", password]);
            }
            StoreServer::Memcached(memcached) => memcached.set_password(USER, password),
        }
    }
}

/// `VCAP_SERVICES` with one service of each name.
pub(crate) fn vcap(services: &[(&str, Value)]) -> String {
    let instances: Vec<Value> = services
        .iter()
        .map(|(name, credentials)| {
            json!({"label": "p.redis", "name": name, "tags": ["redis"], "credentials": credentials})
        })
        .collect();
    json!({ "p.redis": instances }).to_string()
}
