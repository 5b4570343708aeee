//! Access tokens, as OAuth's endpoints and the clouds' metadata services give them (RFC 6749, 5.1).

use super::http::HttpRequest;
use super::variables::Inquiry;
use serde_json::Value;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use store_client::NoToken;

pub(crate) struct Bearer {
    pub(crate) secret: String,
    pub(crate) expires: SystemTime,
    /// Who gave it.
    pub(crate) source: &'static str,
}

impl Bearer {
    /// Asks for one.
    pub(crate) fn of(
        request: &HttpRequest<'_>,
        Inquiry { now, deadline, .. }: Inquiry<'_>,
    ) -> Result<Self, NoToken> {
        let answer = request.send(deadline)?;
        let answer: Value = serde_json::from_str(&answer).unwrap_or_default();
        let secret = answer["access_token"].as_str().filter(|text| !text.is_empty());
        let secret = secret.ok_or_else(|| request.unexpected("an access token"))?.to_owned();
        let expires = expires(&answer, now).ok_or_else(|| request.unexpected("the token's end"))?;
        Ok(Self { secret, expires, source: request.source.name })
    }
}

/// In seconds from now, which depends on nobody's clock; else since 1970. Azure writes them as texts.
fn expires(answer: &Value, now: SystemTime) -> Option<SystemTime> {
    let number = |name: &str| {
        let value = &answer[name];
        value.as_u64().or_else(|| value.as_str()?.parse().ok())
    };
    let from_now = number("expires_in").and_then(|it| now.checked_add(Duration::from_secs(it)));
    from_now.or_else(|| UNIX_EPOCH.checked_add(Duration::from_secs(number("expires_on")?)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_token_ends_when_the_source_says() {
        let at = |seconds| Some(UNIX_EPOCH + Duration::from_secs(seconds));
        let now = at(1000).unwrap();
        for (answer, end) in [
            (json!({"expires_in": 3599}), at(4599)),
            (json!({"expires_in": "3599", "expires_on": "9"}), at(4599)),
            (json!({"expires_on": "5000"}), at(5000)),
            (json!({"expires_in": u64::MAX}), None),
            (json!({"expires_on": "soon"}), None),
            (json!({}), None),
            (json!(null), None),
        ] {
            assert_eq!(expires(&answer, now), end, "{answer}");
        }
    }
}
