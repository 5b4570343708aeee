//! What a client says first on a connection: who it is, and which database it wants.

use super::auth::{Auth, auth_command};
use super::command::Command;
use super::connection::Connection;
use super::deadline::Deadline;
use super::error::Problem;
use super::held_token::HeldToken;
use super::issued::{IssuedLogin, Login};
use super::reply::{ErrorReply, Reply};
use std::sync::Arc;

/// What a client says first.
#[derive(Debug, Clone)]
pub(super) struct Greeting {
    pub(super) login: Option<Login>,
    pub(super) database: Option<u32>,
}

impl Greeting {
    /// Logs in and selects the database.
    pub(super) fn say(
        &self,
        connection: &mut Connection,
        deadline: Deadline,
    ) -> Result<(), Problem> {
        match &self.login {
            None => self.send(None, connection, deadline),
            Some(Login::Fixed(Auth { user, password })) => {
                self.send(Some(auth_command(user.as_deref(), password)), connection, deadline)
            }
            Some(Login::Issued(issued)) => self.say_with(issued, connection, deadline),
        }
    }

    /// With a token; if the server refuses it, with another one.
    fn say_with(
        &self,
        IssuedLogin { tokens, .. }: &IssuedLogin,
        connection: &mut Connection,
        deadline: Deadline,
    ) -> Result<(), Problem> {
        let mut token = tokens.token(deadline).map_err(Problem::NoToken)?;
        loop {
            match self.send(Some(token.command()), connection, deadline) {
                Err(Problem::Login(error)) => match tokens.in_place_of(&token, deadline) {
                    Some(other) => token = other,
                    None => return Err(Problem::Login(error)),
                },
                Err(problem) => return Err(problem),
                Ok(()) => break,
            }
        }
        connection.hold(HeldToken::new(Arc::clone(tokens), token));
        Ok(())
    }

    /// Sends both commands at once, which saves a round trip.
    fn send(
        &self,
        login: Option<Command>,
        connection: &mut Connection,
        deadline: Deadline,
    ) -> Result<(), Problem> {
        type Refused = fn(ErrorReply) -> Problem;
        let mut commands = Vec::new();
        let mut refusals: Vec<Refused> = Vec::new();
        if let Some(login) = login {
            commands.push(login);
            refusals.push(Problem::Login);
        }
        if let Some(database) = self.database {
            commands.push(Command::new(&[b"SELECT", database.to_string().as_bytes()]));
            refusals.push(Problem::Database);
        }
        if commands.is_empty() {
            return Ok(());
        }
        for (reply, refused) in connection.send(&commands, deadline)?.into_iter().zip(refusals) {
            if let Reply::Error(error) = reply {
                return Err(refused(error));
            }
        }
        Ok(())
    }
}
