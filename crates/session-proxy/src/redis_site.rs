//! Redis, as the worker and the status see it.

use super::conversation::Conversation;
use super::exchange::converse;
use super::sessions::Sessions;
use super::shared::Shared;
use super::site::Site;
use std::io;
use std::os::unix::net::UnixStream;

impl Site for Sessions {
    fn service(&self) -> String {
        self.upstream().to_string()
    }

    fn topology(&self) -> String {
        self.upstream().topology()
    }

    fn primary(&self) -> Option<String> {
        self.upstream().primary().map(|address| address.to_string())
    }

    fn counts(&self) -> (usize, usize) {
        self.service.pool.counts()
    }

    fn converse(&self, shared: &Shared, client: &UnixStream) -> io::Result<()> {
        converse(client, shared, |owner| Conversation::new(shared, self, owner))
    }
}
