//! A visitor: an HTTP client with one cookie jar.

use super::app::App;
use super::docker::wait_until;
use std::net::SocketAddr;
use std::time::Duration;

/// A visitor of the app.
pub(crate) struct Visitor {
    agent: ureq::Agent,
    cookie: Option<String>,
}

/// What the app answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: String,
}

impl Visitor {
    /// A visitor who has never been here.
    pub(crate) fn new() -> Self {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_mins(5)));
        Self { agent: config.build().into(), cookie: None }
    }

    /// Another browser window of the same visitor.
    pub(crate) fn twin(&self) -> Self {
        Self { cookie: self.cookie.clone(), ..Self::new() }
    }

    /// Gets a page, with the cookie that the app has set (on whatever instance: the visitor sees
    /// one site).
    pub(crate) fn get(&mut self, address: SocketAddr, path: &str) -> Answer {
        let mut request = self.agent.get(format!("http://{address}{path}"));
        if let Some(cookie) = &self.cookie {
            request = request.header("Cookie", cookie);
        }
        let mut response =
            request.call().unwrap_or_else(|error| panic!("{address}{path}: {error}"));
        let status = response.status().as_u16();
        if let Some(cookie) = response.headers().get("set-cookie") {
            let cookie = cookie.to_str().expect("a cookie");
            self.cookie = cookie.split(';').next().map(str::to_owned);
        }
        let body = response.body_mut().read_to_string().expect("a body");
        Answer { status, body }
    }

    /// Counts up on the counter sample, and gives the number that it shows.
    pub(crate) fn count(&mut self, address: SocketAddr) -> u32 {
        let answer = self.get(address, "/");
        let number = answer.body.split(',').next().and_then(|number| number.parse().ok());
        number.unwrap_or_else(|| panic!("{answer:?}"))
    }

    /// The session cookie's name.
    pub(crate) fn cookie_name(&self) -> Option<&str> {
        self.cookie.as_ref().and_then(|cookie| cookie.split('=').next())
    }
}

/// Waits until there is an answer to a path, and not one of a web server that is up before php-fpm: nginx
/// says 502, Apache 503.
pub(crate) fn wait_for_answer(address: SocketAddr, path: &str) {
    let agent = Visitor::new().agent;
    let request = || agent.get(format!("http://{address}{path}")).call();
    let what = format!("an answer from {address}");
    wait_until(&what, || {
        request().is_ok_and(|answer| !matches!(answer.status().as_u16(), 502 | 503))
    });
}

/// Two instances of the app; one visitor counts across both.
pub(crate) fn assert_sessions_are_shared(app: &App, options: &[&str]) {
    let (a, b) = (app.start(options), app.start(options));
    let mut visitor = Visitor::new();
    let counts: Vec<u32> =
        [&a, &b, &a, &b].map(|instance| visitor.count(instance.address())).to_vec();
    assert_eq!(counts, [1, 2, 3, 4], "{}", a.container.logs());
    assert_eq!(visitor.cookie_name(), Some("PHPSESSIONID"));
}
