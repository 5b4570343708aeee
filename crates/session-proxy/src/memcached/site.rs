//! Memcached, as the worker and the status see it.

use super::conversation::Conversation;
use super::sessions::Sessions;
use crate::exchange::converse;
use crate::shared::Shared;
use crate::site::Site;
use std::io;
use std::os::unix::net::UnixStream;

impl Site for Sessions {
    fn service(&self) -> String {
        self.service.name()
    }

    fn topology(&self) -> String {
        match self.service.count() {
            1 => "single server".to_owned(),
            count => format!("{count} servers"),
        }
    }

    fn counts(&self) -> (usize, usize) {
        self.service.counts()
    }

    fn converse(&self, shared: &Shared, client: &UnixStream) -> io::Result<()> {
        converse(client, shared, |owner| Conversation::new(shared, self, owner))
    }
}
