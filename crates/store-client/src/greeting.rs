//! What a client says first on a connection: who it is, and which database it wants.

use super::command::Command;
use super::connection::Connection;
use super::deadline::Deadline;
use super::error::Problem;
use super::login::Login;
use super::reply::{ErrorReply, Reply};
use super::stream::Stream;
use std::sync::Arc;

impl Connection {
    /// Logs in and selects the database.
    pub(super) fn greet(
        stream: Stream,
        login: Option<&Login>,
        database: Option<u32>,
        deadline: Deadline,
    ) -> Result<Self, Problem> {
        let mut connection = Self::new(stream);
        match login {
            None => connection.say(None, database, deadline)?,
            Some(Login::Fixed(auth)) => {
                connection.say(Some(auth.command()), database, deadline)?;
            }
            Some(Login::Issued(issued)) => {
                let tokens = &issued.tokens;
                let mut token = tokens.token(deadline).map_err(Problem::NoToken)?;
                while let Err(problem) =
                    connection.say(Some(token.auth.command()), database, deadline)
                {
                    let Problem::Login(error) = problem else { return Err(problem) };
                    // Another token is no better against a limit.
                    let is_refused = !error.is_limit_of_logins();
                    let other = is_refused.then(|| tokens.in_place_of(&token, deadline)).flatten();
                    let problem = || Problem::Token { error, login: Arc::clone(issued) };
                    token = other.ok_or_else(problem)?;
                }
                connection.token = Some((token, Arc::clone(issued)));
            }
        }
        Ok(connection)
    }

    /// Sends both commands at once, which saves a round trip.
    fn say(
        &mut self,
        login: Option<Command>,
        database: Option<u32>,
        deadline: Deadline,
    ) -> Result<(), Problem> {
        type Refused = fn(ErrorReply) -> Problem;
        let login = login.map(|login| (login, Problem::Login as Refused));
        let select = database.map(|database| {
            let select = Command::new(&[b"SELECT", database.to_string().as_bytes()]);
            (select, Problem::Database as Refused)
        });
        let (commands, refusals): (Vec<_>, Vec<_>) = login.into_iter().chain(select).unzip();
        for (reply, refused) in self.send(&commands, deadline)?.into_iter().zip(refusals) {
            if let Reply::Error(error) = reply {
                return Err(refused(error));
            }
        }
        Ok(())
    }
}
