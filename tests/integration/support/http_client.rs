//! A visitor: an HTTP client with one cookie jar.

use super::app::App;
use super::docker::wait_until;
use std::net::SocketAddr;
use std::time::Duration;

/// A visitor of the app.
pub(crate) struct HttpClient {
    agent: ureq::Agent,
    /// Names and values, in the order in which they came.
    cookies: Vec<(String, String)>,
}

/// What the app answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: String,
}

impl HttpClient {
    /// A visitor who has never been here.
    pub(crate) fn new() -> Self {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            // What a redirect comes with must be seen.
            .max_redirects(0)
            .timeout_global(Some(Duration::from_mins(5)));
        Self { agent: config.build().into(), cookies: Vec::new() }
    }

    /// A visitor with a session of this name.
    pub(crate) fn of_session(id: &str) -> Self {
        Self { cookies: vec![("PHPSESSIONID".to_owned(), id.to_owned())], ..Self::new() }
    }

    /// Another browser window of the same visitor.
    pub(crate) fn twin(&self) -> Self {
        Self { cookies: self.cookies.clone(), ..Self::new() }
    }

    /// Gets a page, with the cookies that the app has set (on whatever instance: the visitor sees
    /// one site).
    pub(crate) fn get(&mut self, address: SocketAddr, path: &str) -> Answer {
        let request = self.agent.get(format!("http://{address}{path}"));
        let response = request.header("Cookie", self.cookie_header()).call();
        self.answer(response.unwrap_or_else(|error| panic!("{address}{path}: {error}")))
    }

    /// Sends a form, as [`Self::get`].
    pub(crate) fn post(
        &mut self,
        address: SocketAddr,
        path: &str,
        form: &[(&str, &str)],
    ) -> Answer {
        let request = self.agent.post(format!("http://{address}{path}"));
        let request = request.header("Cookie", self.cookie_header());
        let response = request.send_form(form.iter().copied());
        self.answer(response.unwrap_or_else(|error| panic!("{address}{path}: {error}")))
    }

    /// Sends a file to a page that shows its progress.
    pub(crate) fn upload(&mut self, address: SocketAddr, path: &str) -> Answer {
        let request = self.agent.post(format!("http://{address}{path}"));
        let request = request
            .header("Cookie", self.cookie_header())
            .content_type("multipart/form-data; boundary=part");
        let part = |name: &str, text: &str| {
            format!("--part\r\nContent-Disposition: form-data; name={name}\r\n\r\n{text}\r\n")
        };
        let progress = part("PHP_SESSION_UPLOAD_PROGRESS", "file");
        let file = part("file; filename=file", &"a".repeat(1 << 19));
        self.answer(request.send(format!("{progress}{file}--part--\r\n")).expect("an answer"))
    }

    /// What the visitor's requests have as their cookies.
    pub(crate) fn cookie_header(&self) -> String {
        let cookies: Vec<String> =
            self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        cookies.join("; ")
    }

    fn answer(&mut self, mut response: ureq::http::Response<ureq::Body>) -> Answer {
        for cookie in response.headers().get_all("set-cookie") {
            let cookie = cookie.to_str().expect("a cookie");
            let pair = cookie.split(';').next().and_then(|pair| pair.split_once('='));
            let (name, value) = pair.expect("a cookie");
            self.cookies.retain(|(there, _)| there != name);
            if !cookie.contains("Max-Age=0") {
                self.cookies.push((name.to_owned(), value.to_owned()));
            }
        }
        let status = response.status().as_u16();
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
        self.cookies.first().map(|(name, _)| name.as_str())
    }
}

/// Waits until there is an answer to a path, and not one of a web server that is up before php-fpm: nginx
/// says 502, Apache 503.
pub(crate) fn wait_for_answer(address: SocketAddr, path: &str) {
    let agent = HttpClient::new().agent;
    let request = || agent.get(format!("http://{address}{path}")).call();
    let what = format!("an answer from {address}");
    wait_until(&what, || {
        request().is_ok_and(|answer| !matches!(answer.status().as_u16(), 502 | 503))
    });
}

/// Two instances of the app; one visitor counts across both.
pub(crate) fn assert_sessions_are_shared(app: &App, options: &[&str]) {
    let (a, b) = (app.start(options), app.start(options));
    let mut visitor = HttpClient::new();
    let counts: Vec<u32> =
        [&a, &b, &a, &b].map(|instance| visitor.count(instance.address())).to_vec();
    assert_eq!(counts, [1, 2, 3, 4], "{}", a.container.logs());
    assert_eq!(visitor.cookie_name(), Some("PHPSESSIONID"));
}
