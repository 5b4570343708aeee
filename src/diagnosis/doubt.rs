//! Common mistakes that explain why a server refuses a password.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::percent_decode_str;
use store_client::Secret;

/// The mistake that this password may be. Shows nothing of it.
pub(super) fn doubt_of(secret: &Secret) -> Option<&'static str> {
    let text = secret.expose();
    let is_quoted = |quote| text.len() > 1 && text.starts_with(quote) && text.ends_with(quote);
    let decoded = STANDARD.decode(text).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let is_text =
        |text: &String| text.len() >= 6 && text.trim_end().chars().all(|c| c.is_ascii_graphic());
    let is_encoded = percent_decode_str(text).decode_utf8().is_ok_and(|decoded| decoded != text);
    if text.trim() != text {
        Some("The password begins or ends with a blank. Remove it, unless it belongs there.")
    } else if is_quoted('"') || is_quoted('\'') {
        Some("The password is in quotes. Remove them, unless they belong there.")
    } else if is_encoded {
        Some(
            "The password looks percent-encoded, which it must be in a uri only: write it in plain text.",
        )
    } else if decoded.as_ref().is_some_and(is_text) {
        Some(
            "The password looks like base64: write it in plain text (in a Secret, use stringData instead of data).",
        )
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_often_wrong_with_a_password_is_said_without_it() {
        for (password, expected) in [
            ("hunter2 ", "blank"),
            ("\"hunter2\"", "quotes"),
            ("hunter%402", "percent-encoded"),
            ("aHVudGVyMjMK", "base64"),
        ] {
            let doubt = doubt_of(&Secret::new(password)).unwrap();
            assert!(doubt.contains(expected), "{password}: {doubt}");
            assert!(!doubt.contains("hunter"), "{password}: {doubt}");
        }
        for password in ["hunter2", "100%", "%zz", "a\"b", "c2VjcmV0LXdpdGgtYmluYXJ5AA=="] {
            assert_eq!(doubt_of(&Secret::new(password)), None, "{password}");
        }
    }
}
