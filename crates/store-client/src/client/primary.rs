//! Connects to the primary that Sentinels name.

use super::{Client, Servers};
use crate::address::{Address, Host};
use crate::connection::Connection;
use crate::deadline::Deadline;
use crate::error::{Problem, RedisError};
use crate::reply::Reply;
use crate::resp::ProtocolError;
use crate::sentinels::{PATIENCE, Sentinels, Whom};
use std::sync::Arc;
use std::thread::sleep;
use std::time::Duration;

/// Between two questions to Sentinels that choose another primary.
const PAUSE: Duration = Duration::from_millis(20);
/// How long the primary that they name may take to let us in, at first: it may be the one that they are about to replace.
const PATIENCE_WITH_PRIMARY: Duration = Duration::from_millis(500);

impl Client {
    /// Asks the Sentinels once, and connects to nothing else.
    ///
    /// # Errors
    /// Fails, with what each of them said, if none names a primary, or if there are none.
    pub fn ask_sentinels(&self) -> Result<Address, Problem> {
        match &self.servers {
            Servers::Of(sentinels) => sentinels.primary(Whom::AllIfNeeded, PATIENCE * 2),
            _ => Err(Problem::Unnamed { said: "nobody".to_owned(), is_final: true }),
        }
    }

    /// The primary that Sentinels named last.
    #[must_use]
    pub fn primary(&self) -> Option<Address> {
        match &self.servers {
            Servers::Of(sentinels) => sentinels.last(),
            _ => None,
        }
    }

    /// How long a primary has to be silent until Sentinels replace it (`down-after-milliseconds`), as far as they have said.
    #[must_use]
    pub fn down_after(&self) -> Option<Duration> {
        match &self.servers {
            Servers::Of(sentinels) => sentinels.down_after(),
            _ => None,
        }
    }

    /// Asks the Sentinels until there is a primary that lets us in.
    pub(super) fn connect_to_primary(
        &self,
        sentinels: &Arc<Sentinels>,
        deadline: Deadline,
    ) -> Result<Connection, RedisError> {
        let mut factor = 1;
        let mut last: Option<RedisError> = None;
        loop {
            let mut server = sentinels.sentinel.to_string();
            let attempt =
                sentinels.primary(Whom::AllIfNeeded, PATIENCE * factor).and_then(|primary| {
                    server = self.shown(&primary);
                    let attempt = deadline.or_after(PATIENCE_WITH_PRIMARY * factor);
                    self.connect_if_primary(sentinels, primary, attempt)
                });
            let error = match attempt {
                Ok(connection) => return Ok(connection),
                Err(problem) => RedisError { server, problem },
            };
            // With no time left, it says less than the one before it.
            let error = match last.take() {
                Some(last) if deadline.is_over() => last,
                _ => error,
            };
            let Ok(left) = deadline.remaining() else { return Err(error) };
            if error.problem.is_refusal() {
                return Err(error);
            }
            last = Some(error);
            factor = (factor * 2).min(8);
            sentinels.forget();
            sleep(PAUSE.min(left));
        }
    }

    /// Connects to the server that the Sentinels name, if it says itself that it is the primary.
    fn connect_if_primary(
        &self,
        sentinels: &Arc<Sentinels>,
        primary: Address,
        deadline: Deadline,
    ) -> Result<Connection, Problem> {
        let mut names = vec![&primary.host];
        // Certificates have names. Those in the credentials are as good: the user has said that the service is there.
        if matches!(primary.host, Host::Ip(_)) {
            names.extend(sentinels.sentinel.nodes.iter().map(|node| &node.host));
        }
        let mut connection = self.connect_as(&primary, names, deadline)?;
        let role = match connection.command(&[b"ROLE"], deadline)? {
            Reply::Error(error) => return Err(Problem::Role(error)),
            Reply::Array(parts) => parts.into_iter().next(),
            _ => None,
        };
        match role {
            Some(Reply::Bulk(role)) if role == b"master" => {
                let sentinels = Arc::clone(sentinels);
                connection.watch = Some(Box::new(move || sentinels.confirm(&primary)));
                Ok(connection)
            }
            Some(Reply::Bulk(role)) => {
                let role = String::from_utf8_lossy(&role).into_owned();
                Err(Problem::NotPrimary(primary, role))
            }
            _ => Err(Problem::Protocol(ProtocolError::NotRedis)),
        }
    }
}
