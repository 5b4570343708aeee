//! The page that `--url` and `--header` ask for. A login in the URL is sent, and never shown.

use ureq::http::{HeaderName, HeaderValue};
use url::Url;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Page {
    pub(super) url: Url,
    pub(super) headers: Vec<(HeaderName, HeaderValue)>,
}

impl Page {
    pub(super) fn shown(&self) -> String {
        without_login(&self.url)
    }
}

/// Reads a URL, or says what is wrong with it, without repeating it.
pub(super) fn url(text: &str) -> Result<Url, String> {
    let expected = "Give the URL of a page, such as http://127.0.0.1:8080/.";
    let url =
        Url::parse(text).map_err(|error| format!("--url has no URL ({error}). {expected}"))?;
    match url.scheme() {
        "http" | "https" => Ok(url),
        _ => Err(format!("--url accepts http:// and https://. {expected}")),
    }
}

/// Reads a header, or says what is wrong with it, without its value.
pub(super) fn header(text: &str) -> Result<(HeaderName, HeaderValue), String> {
    let (name, value) = text.split_once(':').unwrap_or((text, ""));
    let header =
        HeaderName::try_from(name.trim()).ok().zip(HeaderValue::try_from(value.trim()).ok());
    header.filter(|_| text.contains(':')).ok_or_else(|| {
        "--header has no header. Give its name and its value, such as 'X-Forwarded-Proto: https'.".to_owned()
    })
}

pub(super) fn without_login(url: &Url) -> String {
    let mut url = url.clone();
    // They fail only for URLs that cannot have a login.
    let _ = url.set_password(None);
    let _ = url.set_username("");
    url.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_is_never_shown() {
        let parsed = url("http://shop:secret@127.0.0.1/").unwrap();
        assert_eq!(without_login(&parsed), "http://127.0.0.1/");
        for text in
            ["//shop:secret@x", "ftp://shop:secret@x/", "http://shop:secret@x:no/", "shop:secret"]
        {
            let problem = url(text).unwrap_err();
            assert!(problem.starts_with("--url"), "{problem}");
            assert!(!problem.contains("secret"), "{problem}");
        }
    }

    #[test]
    fn a_header_has_a_name_and_a_value() {
        let (name, value) = header("X-Forwarded-Proto: https").unwrap();
        assert_eq!((name.as_str(), value.to_str().unwrap()), ("x-forwarded-proto", "https"));
        for text in ["https", "", ": x", "a b: x", "Authorization: secret\nx"] {
            let problem = header(text).unwrap_err();
            assert!(problem.contains("'X-Forwarded-Proto: https'"), "{problem}");
            assert!(!problem.contains("secret"), "{problem}");
        }
    }
}
