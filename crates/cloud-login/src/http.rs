//! Asks a source over HTTP. Every request ends in time, whatever the other side does.

use std::error::Error as _;
use std::fs::File;
use std::io::{self, Read};
use std::net::Ipv4Addr;
use std::time::Duration;
use store_client::{Deadline, NoToken, printable};
use ureq::http::{Method, Response, Uri};
use ureq::tls::{RootCerts, TlsConfig};
use ureq::{Agent, Body, Proxy};

/// For one request, less than a launch waits for a login: so it can say who did not answer.
const PATIENCE: Duration = Duration::from_millis(2500);
/// No answer, and no token in a file, is longer than some kilobytes.
const MOST_BYTES: u64 = 256 << 10;
/// A message shows at most this much of what a source says.
const MOST_SHOWN: usize = 300;

/// Besides IPv4's loopback, the only hosts that secrets come from and go to without TLS: the machine, ECS, and EKS Pod Identity.
const NEAR: [&str; 5] = ["localhost", "[::1]", "169.254.170.2", "169.254.170.23", "[fd00:ec2::23]"];

/// Who is asked, for messages.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Source {
    pub(crate) name: &'static str,
    /// The usual mistake, and what to do.
    pub(crate) advice: &'static str,
}

pub(crate) struct HttpRequest<'a> {
    pub(crate) source: Source,
    pub(crate) method: Method,
    pub(crate) url: &'a str,
    pub(crate) headers: &'a [(&'a str, &'a str)],
    /// Those of a form.
    pub(crate) fields: &'a [(&'a str, &'a str)],
    /// What must not be shown, should the source repeat it.
    pub(crate) secrets: &'a [&'a str],
}

impl<'a> HttpRequest<'a> {
    pub(crate) fn get(
        source: Source,
        url: &'a str,
        headers: &'a [(&'a str, &'a str)],
        secrets: &'a [&'a str],
    ) -> Self {
        Self { source, method: Method::GET, url, headers, fields: &[], secrets }
    }

    pub(crate) fn post(
        source: Source,
        url: &'a str,
        fields: &'a [(&'a str, &'a str)],
        secrets: &'a [&'a str],
    ) -> Self {
        let headers = &[("content-type", "application/x-www-form-urlencoded")];
        Self { source, method: Method::POST, url, headers, fields, secrets }
    }

    /// The body of a successful answer.
    pub(crate) fn send(&self, deadline: Deadline) -> Result<String, NoToken> {
        let left = deadline.or_after(PATIENCE).remaining().map_err(|_| self.silent("no time"))?;
        let answer = self.exchange(&agent(self.url, left)).map_err(|error| self.failed(&error))?;
        let status = answer.status().as_u16();
        let body = answer.into_body().with_config().limit(MOST_BYTES).read_to_string();
        let body = body.map_err(|error| self.failed(&error))?;
        if status != 200 {
            let reason = self.without_secrets(&reason(&body));
            let said = format!("says HTTP {status}{reason}");
            return Err(self.source.no_token(self.url, &said, may_pass(status)));
        }
        Ok(body)
    }

    fn exchange(&self, agent: &Agent) -> Result<Response<Body>, ureq::Error> {
        let request = ureq::http::Request::builder().method(self.method.clone()).uri(self.url);
        let headers = self.headers.iter();
        let request = headers.fold(request, |request, (name, value)| request.header(*name, *value));
        if self.method == Method::GET {
            agent.run(request.body(())?)
        } else {
            agent.run(request.body(form(self.fields).into_bytes())?)
        }
    }

    /// What an answer says that is not as it should be. It may have a token, and is not shown.
    pub(crate) fn unexpected(&self, lacks: &str) -> NoToken {
        self.source.no_token(self.url, &format!("gives an answer without {lacks}"), false)
    }

    fn failed(&self, error: &ureq::Error) -> NoToken {
        match error {
            ureq::Error::Timeout(_) => self.silent("no answer in time"),
            ureq::Error::HostNotFound => self.silent("its name cannot be resolved"),
            ureq::Error::Io(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
                self.silent("nothing listens there")
            }
            ureq::Error::BadUri(_) | ureq::Error::Http(_) => {
                self.source.no_token(self.url, "is no address that can be asked", false)
            }
            error => {
                let cause = error.source().map(|cause| format!(": {cause}")).unwrap_or_default();
                self.silent(&self.without_secrets(&format!("{error}{cause}")))
            }
        }
    }

    fn silent(&self, why: &str) -> NoToken {
        self.source.no_token(self.url, &format!("cannot be asked ({why})"), true)
    }

    fn without_secrets(&self, text: &str) -> String {
        let secrets = self.secrets.iter().filter(|secret| !secret.is_empty());
        secrets.fold(text.to_owned(), |text, secret| text.replace(secret, "***"))
    }
}

impl Source {
    /// Why this one, asked at this address or file, gave no token.
    pub(crate) fn no_token(&self, place: &str, said: &str, passes: bool) -> NoToken {
        // A query may have an id that is nobody's business.
        let place = place.split('?').next().unwrap_or_default();
        let what = format!("{} ({}) {said}", self.name, printable(&place));
        NoToken { what, advice: self.advice.to_owned(), passes }
    }

    /// Fails if a secret would pass a network in plain text on the way to this address, or back.
    pub(crate) fn must_be_safe(&self, url: &str) -> Result<(), NoToken> {
        if is_safe(url) {
            return Ok(());
        }
        let said = "is neither https, nor in this machine or beside it, and is not asked";
        Err(self.no_token(url, said, false))
    }

    /// The token in a file that the platform replaces, without white space around it.
    pub(crate) fn read(self, path: &str) -> Result<String, NoToken> {
        let mut text = String::new();
        let read =
            File::open(path).and_then(|file| file.take(MOST_BYTES).read_to_string(&mut text));
        let fail = |why: &str, passes| {
            let said = format!("needs a token from that file, which {why}");
            Err(self.no_token(path, &said, passes))
        };
        if let Err(error) = read {
            return fail(&format!("cannot be read ({error})"), false);
        }
        match text.trim() {
            // Perhaps it is just being written.
            "" => fail("is empty", true),
            text if text.chars().any(char::is_control) => fail("holds none", false),
            text => Ok(text.to_owned()),
        }
    }
}

fn is_safe(url: &str) -> bool {
    let Ok(url) = url.parse::<Uri>() else { return false };
    let host = url.host().unwrap_or_default();
    match url.scheme_str() {
        Some("https") => true,
        Some("http") => {
            NEAR.contains(&host) || host.parse().is_ok_and(|ip: Ipv4Addr| ip.is_loopback())
        }
        _ => false,
    }
}

fn agent(url: &str, timeout: Duration) -> Agent {
    let tls = TlsConfig::builder().root_certs(RootCerts::PlatformVerifier).build();
    // Without TLS it is in this machine, or beside it.
    let proxy = if url.starts_with("https:") { Proxy::try_from_env() } else { None };
    Agent::config_builder()
        .timeout_global(Some(timeout))
        .http_status_as_error(false)
        .max_redirects(0)
        .proxy(proxy)
        .tls_config(tls)
        .build()
        .into()
}

fn form(fields: &[(&str, &str)]) -> String {
    let pairs: Vec<String> =
        fields.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
    pairs.join("&")
}

/// Percent-encoded, as in a query (RFC 3986).
pub(crate) fn encoded(text: &str) -> String {
    use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
    const UNRESERVED: AsciiSet =
        NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
    utf8_percent_encode(text, &UNRESERVED).to_string()
}

/// Too many requests, or the source's own trouble. 404 and 410 are Azure's words for a service that is being updated, but
/// also AWS's for a machine without a role.
fn may_pass(status: u16) -> bool {
    matches!(status, 408 | 410 | 429 | 500..)
}

/// What a source says of its refusal, after a colon: nothing but its own words for people, of AWS (XML or JSON), Entra and
/// Google.
fn reason(body: &str) -> String {
    let json: serde_json::Value = serde_json::from_str(body).unwrap_or_default();
    let of_json = ["error_description", "message", "Message", "error"]
        .iter()
        .find_map(|name| json[name].as_str().or_else(|| json["error"][name].as_str()));
    let code =
        json["code"].as_str().or_else(|| json["Code"].as_str()).or_else(|| element(body, "Code"));
    let text = of_json.or_else(|| element(body, "Message"));
    let first_line = |text: &str| text.lines().next().unwrap_or_default().trim().to_owned();
    let said: Vec<String> = code.into_iter().chain(text).map(first_line).collect();
    let mut said = printable(&said.join(": "));
    if let Some((end, _)) = said.char_indices().nth(MOST_SHOWN) {
        said.truncate(end);
        said.push('…');
    }
    if said.is_empty() { said } else { format!(": {}", said.trim_end_matches('.')) }
}

/// The text of the first such XML element, which has no attributes and nothing inside.
pub(crate) fn element<'a>(xml: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = xml.split_once(&format!("<{name}>"))?;
    let (text, _) = rest.split_once(&format!("</{name}>"))?;
    Some(text.trim()).filter(|text| !text.is_empty() && !text.contains('<'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_says_why_in_words_of_its_own() {
        for (body, said) in [
            (
                "<ErrorResponse><Error><Code>AccessDenied</Code><Message>Not authorized to perform sts:AssumeRoleWithWebIdentity.</Message></Error></ErrorResponse>",
                ": AccessDenied: Not authorized to perform sts:AssumeRoleWithWebIdentity",
            ),
            (
                r#"{"error":"invalid_client","error_description":"AADSTS700016: Application not found.\r\nTrace ID: 1"}"#,
                ": AADSTS700016: Application not found",
            ),
            (r#"{"code":"AccessDeniedException","message":"m"}"#, ": AccessDeniedException: m"),
            (r#"{"error":{"message":"Permission denied"}}"#, ": Permission denied"),
            ("<html>secret</html>", ""),
            ("", ""),
        ] {
            assert_eq!(reason(body), said, "{body}");
        }
        assert!(reason(&format!(r#"{{"message":"{}"}}"#, "é".repeat(999))).ends_with("é…"));
    }

    #[test]
    fn only_what_is_near_is_asked_without_tls() {
        for url in [
            "http://169.254.170.2/v2/credentials/x",
            "http://169.254.170.23/v1/credentials",
            "http://[fd00:ec2::23]/v1/credentials",
            "http://127.0.0.1:8080/x",
            "http://[::1]:80/x",
            "http://localhost/x",
            "https://keys.example/x",
        ] {
            assert!(is_safe(url), "{url}");
        }
        for url in [
            "http://keys.example/x",
            "http://127.evil.example/x",
            "http://localhost.evil.example/",
            "http://127.0.0.1@evil.example/",
            "http://169.254.170.2.evil.example/",
            "ftp://127.0.0.1/",
            "",
        ] {
            assert!(!is_safe(url), "{url}");
        }
    }

    #[test]
    fn what_a_source_repeats_of_a_secret_is_hidden() {
        let source = Source { name: "X", advice: "" };
        let request = HttpRequest::get(source, "http://x", &[], &["hunter2", ""]);
        assert_eq!(request.without_secrets("hunter2 is bad"), "*** is bad");
    }
}
