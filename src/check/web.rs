//! Requests a page of the running app as a visitor would: only this shows what the web server's PHP does with sessions.

use super::page::{Page, without_login};
use super::steps::Look;
use serde::Serialize;
use std::thread::sleep;
use std::time::Duration;
use ureq::Agent;
use ureq::http::Response;
use ureq::tls::{RootCerts, TlsConfig, TlsProvider};

/// Allows for a page that waits for a session's lock.
const TIMEOUT: Duration = Duration::from_secs(40);
/// Long enough to tell a renewed lifetime from an unchanged one.
const BETWEEN_PAGES: Duration = Duration::from_millis(1100);
/// PHP writes a session after it has sent the page.
const UNTIL_WRITTEN: Duration = Duration::from_millis(300);

/// What a visitor of the web server gets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct WebReport {
    pub(crate) url: String,
    pub(crate) session: WebSession,
    pub(crate) what: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum WebSession {
    InService,
    Elsewhere,
    /// The page starts no session, or does not exist.
    None,
    NoAnswer,
}

/// Requests the page twice, and looks for the session with `look`, which finds a session by its id. `name` is the
/// cookie's name.
pub(super) fn visit(
    page: &Page,
    name: &str,
    look: impl Fn(&str) -> anyhow::Result<Look>,
) -> anyhow::Result<WebReport> {
    let (session, what) = match session_of(page, name, look) {
        Ok(found) => found,
        Err(error) => (WebSession::NoAnswer, error.downcast::<ureq::Error>()?.to_string()),
    };
    Ok(WebReport { url: page.shown(), session, what })
}

fn session_of(
    page: &Page,
    name: &str,
    look: impl Fn(&str) -> anyhow::Result<Look>,
) -> anyhow::Result<(WebSession, String)> {
    let first = get(page, None)?;
    let cookies = cookies(&first, name);
    let Some((cookie, id)) = cookies.first() else {
        let what = format!(
            "HTTP {} without a session cookie ({name}): use a page that starts a session{}",
            first.status().as_u16(),
            redirection(page, &first)
        );
        return Ok((WebSession::None, what));
    };
    sleep(UNTIL_WRITTEN);
    let before = look(id)?;
    if !before.there {
        let what =
            format!("it sets the cookie {cookie}, but the service has no session with this id");
        return Ok((WebSession::Elsewhere, what));
    }
    sleep(BETWEEN_PAGES);
    let before = look(id)?;
    let second = get(page, Some(&format!("{cookie}={id}")))?;
    sleep(UNTIL_WRITTEN);
    // An app may change the session's id on each page.
    let renewed = self::cookies(&second, cookie).into_iter().find(|(name, _)| name == cookie);
    let after = look(renewed.as_ref().map_or(id, |(_, id)| id))?;
    let session = format!("the session of the cookie {cookie}");
    let (is_in, what) = match (before.left, after.left) {
        _ if !after.there => (WebSession::Elsewhere, "was gone after the second page"),
        (Some(before), Some(after)) if after <= before => {
            return Ok((WebSession::Elsewhere, format!("the second page left {session} alone")));
        }
        (Some(_), Some(_)) => {
            (WebSession::InService, "is in the service, and the second page used it")
        }
        _ => (WebSession::InService, "is in the service"),
    };
    Ok((is_in, format!("{session} {what}")))
}

fn get(page: &Page, cookie: Option<&str>) -> Result<Response<ureq::Body>, ureq::Error> {
    // The image's CAs, as for everything else.
    let tls = TlsConfig::builder()
        .provider(TlsProvider::Rustls)
        .root_certs(RootCerts::PlatformVerifier)
        .build();
    let config = Agent::config_builder()
        .http_status_as_error(false)
        // The cookie may come with a redirect.
        .max_redirects(0)
        .max_redirects_will_error(false)
        .timeout_global(Some(TIMEOUT))
        .tls_config(tls);
    let agent: Agent = config.build().into();
    let mut request = agent.get(page.url.as_str());
    for (name, value) in &page.headers {
        request = request.header(name, value);
    }
    if let Some(cookie) = cookie {
        request = request.header("Cookie", cookie);
    }
    let mut response = request.call()?;
    // Read to the end: then the page has finished.
    let _ = response.body_mut().read_to_vec();
    Ok(response)
}

/// The cookies that may hold a PHP session id; the one with this name comes first.
fn cookies(response: &Response<ureq::Body>, name: &str) -> Vec<(String, String)> {
    let headers = response.headers().get_all("set-cookie").iter();
    let headers = headers.filter_map(|header| header.to_str().ok());
    let mut cookies: Vec<(String, String)> = headers.filter_map(cookie).collect();
    cookies.sort_by_key(|(cookie, _)| cookie != name);
    cookies
}

fn cookie(header: &str) -> Option<(String, String)> {
    let (name, value) = header.split(';').next()?.trim().split_once('=')?;
    // PHP's ids have 22 to 256 of these characters.
    let is_of_id = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | ',');
    let is_id = (22..=256).contains(&value.len()) && value.chars().all(is_of_id);
    is_id.then(|| (name.to_owned(), value.to_owned()))
}

/// Where a page redirects to. Many sites redirect to https, unless a proxy before the app says that it was https.
fn redirection(page: &Page, response: &Response<ureq::Body>) -> String {
    let location = response.headers().get("location").and_then(|it| it.to_str().ok());
    let Some(target) = location.and_then(|location| page.url.join(location).ok()) else {
        return String::new();
    };
    let advice = if page.url.scheme() == "http" && target.scheme() == "https" {
        "; with --header 'X-Forwarded-Proto: https' the app may take the request for one over https"
    } else {
        ""
    };
    format!(" (this one redirects to {}{advice})", without_login(&target))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_of_php_is_told_from_what_frameworks_encrypt() {
        let id = "a1".repeat(13);
        let header = format!("PHPSESSIONID={id}; path=/; HttpOnly");
        assert_eq!(cookie(&header), Some(("PHPSESSIONID".to_owned(), id)));
        for header in ["theme=dark", "laravel_session=eyJpdiI6Ik%3D; path=/", "=", ""] {
            assert_eq!(cookie(header), None, "{header}");
        }
    }
}
