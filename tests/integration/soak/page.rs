//! The page that the visitors ask for.

use crate::support::http_client::HttpClient;
use serde::Deserialize;
use std::net::SocketAddr;

/// What the page says.
#[derive(Debug, Deserialize)]
pub(super) struct Page {
    started: bool,
    /// What was in the session before, `None` if nothing.
    pub(super) found: Option<String>,
    /// Whether PHP says that it has kept the change.
    pub(super) kept: bool,
    pub(super) id: String,
}

impl Page {
    /// How often a crowd has counted, as found.
    pub(super) fn count(&self) -> u32 {
        self.found.as_ref().map_or(0, |count| count.parse().unwrap_or(u32::MAX))
    }
}

/// Asks for the page with the cookie of a session; `Err` says what came instead of a session.
pub(super) fn ask(address: SocketAddr, session: Option<&str>, path: &str) -> Result<Page, String> {
    let mut client = session.map_or_else(HttpClient::new, HttpClient::of_session);
    let answer = client.get(address, path);
    match serde_json::from_str::<Page>(&answer.body) {
        Ok(page) if page.started && answer.status == 200 => Ok(page),
        _ => Err(format!("HTTP {} {:.200}", answer.status, answer.body.trim())),
    }
}
