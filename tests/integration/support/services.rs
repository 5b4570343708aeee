//! Real servers, in containers.

use super::docker::Container;
use serde_json::{Value, json};

const IMAGE: &str = "php-session-store/services";

/// A Redis server.
pub(crate) struct Redis {
    pub(crate) container: Container,
}

impl Redis {
    /// Starts a server whose user `default` has this password.
    pub(crate) fn start(password: &str) -> Self {
        let redis = Self::start_with(&[]);
        redis.command(&["CONFIG", "SET", "requirepass", password]);
        redis
    }

    /// Starts a server with further options; without any it has no password.
    pub(crate) fn start_with(options: &[&str]) -> Self {
        let mut command = vec!["redis-server", "--protected-mode", "no", "--save", ""];
        command.extend(options);
        let redis = Self {
            container: Container::start(&["--publish", "127.0.0.1::6379"], IMAGE, &command),
        };
        redis.container.wait_for_log("Ready to accept connections");
        redis
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

    /// Runs one command without a login.
    pub(crate) fn command(&self, words: &[&str]) {
        run(&mut self.connection(), words);
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

/// Runs one command on a connection.
pub(crate) fn run(connection: &mut redis::Connection, words: &[&str]) {
    let mut command = redis::cmd(words[0]);
    command.arg(&words[1..]);
    command.exec(connection).unwrap_or_else(|error| panic!("{}: {error}", words[0]));
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
