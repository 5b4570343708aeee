//! The token that a connection has logged in with.

use super::auth::auth_command;
use super::command::Command;
use super::issued::{Token, Tokens};
use std::sync::Arc;

/// The token that a connection has logged in with.
pub(super) struct HeldToken {
    tokens: Arc<dyn Tokens>,
    token: Arc<Token>,
}

impl HeldToken {
    pub(super) fn new(tokens: Arc<dyn Tokens>, token: Arc<Token>) -> Self {
        Self { tokens, token }
    }

    /// The login with a newer token, if there is one.
    pub(super) fn renewal(&mut self) -> Option<Command> {
        self.token = self.tokens.newer(&self.token)?;
        Some(self.token.command())
    }
}

impl Token {
    pub(super) fn command(&self) -> Command {
        auth_command(self.user.as_deref(), &self.secret)
    }
}
