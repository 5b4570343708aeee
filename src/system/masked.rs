//! Values in messages. A wrong value is repeated to show what is wrong, and may be a uri with a password.

use std::borrow::Cow;

const SCHEME_END: &str = "://";
const HIDDEN: &str = "***";

/// The value without what stands between `://` and the last `@`, and without a query, which may hold a password, too.
/// If there is no `@`, nothing after `://` is shown: the value may be part of a uri that was cut at a special character
/// of its password. Of JSON and of what has `password=` nothing is shown, as nobody knows where that ends.
pub(crate) fn masked(value: &str) -> Cow<'_, str> {
    let is_json = value.trim_start().starts_with(['{', '[']);
    if is_json || value.to_ascii_lowercase().contains("password=") {
        return Cow::Borrowed(HIDDEN);
    }
    let (scheme, rest) = match value.split_once(SCHEME_END) {
        Some((scheme, _)) if scheme.contains('@') => return Cow::Borrowed(HIDDEN),
        Some((scheme, rest)) => (format!("{scheme}{SCHEME_END}"), rest),
        None if value.contains('@') => (String::new(), value),
        None => return Cow::Borrowed(value),
    };
    let parts = rest.rsplit_once('@').filter(|(login, _)| !login.contains('?'));
    let host = parts.and_then(|(_, host)| host.split('?').next());
    let host = host.map(|host| format!("@{host}")).unwrap_or_default();
    Cow::Owned(format!("{scheme}{HIDDEN}{host}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_a_login_is_not_shown() {
        for (value, shown) in [
            ("redis", "redis"),
            ("/bindings", "/bindings"),
            ("default:hunter2@h:1", "***@h:1"),
            ("h:6380,password=hunter2,ssl=True", "***"),
            (r#"{"password": "hunter2"}"#, "***"),
            ("redis://:hunter2@h:1/0", "redis://***@h:1/0"),
            ("redis://u:hunter2@x@h", "redis://***@h"),
            ("redis://:hunter", "redis://***"),
            ("h:6380,Password=hunter2://", "***"),
            ("u:hunter2@h://", "***"),
            ("redis://u@h,password=hunter2", "***"),
            ("redis://h?password=hun@ter2", "***"),
            ("redis://u@h?auth=hunter2", "redis://***@h"),
            ("tcp://h:6379?auth=hunter2", "tcp://***"),
            ("x redis://:hunter2@h rediss://:hunter2@i", "x redis://***@i"),
        ] {
            assert_eq!(masked(value), shown);
        }
    }
}
