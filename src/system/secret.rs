//! The forms that a secret takes in texts of others.

use super::uri::UNRESERVED;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use store_client::Secret;

/// Removes secrets from texts that others wrote.
#[derive(Debug, Default)]
pub(crate) struct Redactor(Vec<(Secret, &'static str)>);

impl Redactor {
    /// Adds a secret in every form it may take in a text, and its replacement.
    pub(crate) fn add(&mut self, secret: &str, instead: &'static str) {
        let mut forms = vec![secret.to_owned()];
        for set in [NON_ALPHANUMERIC, UNRESERVED] {
            let encoded = utf8_percent_encode(secret, set).to_string();
            // As forms encode it, and with hex digits in the other case.
            let of_form = encoded.replace("%20", "+");
            forms.extend([lower_hex(&encoded), lower_hex(&of_form), encoded, of_form]);
        }
        let html = secret.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;");
        let html = html.replace('>', "&gt;");
        forms.extend(["'", "&#039;", "&apos;"].map(|quote| html.replace('\'', quote)));
        // var_export() and addslashes() of PHP.
        let slashed = secret.replace('\\', "\\\\").replace('\'', "\\'");
        forms.extend([slashed.replace('"', "\\\""), slashed]);
        forms.extend(json_forms(secret));
        forms.retain(|form| !form.is_empty());
        forms.sort();
        forms.dedup();
        self.0.extend(forms.into_iter().map(|form| (Secret::new(form), instead)));
        // Longer forms first: they may contain shorter ones.
        self.0.sort_by_key(|(form, _)| std::cmp::Reverse(form.expose().len()));
    }

    pub(crate) fn hide(&self, text: &str) -> String {
        self.0
            .iter()
            .fold(text.to_owned(), |text, (form, instead)| text.replace(form.expose(), instead))
    }
}

fn lower_hex(encoded: &str) -> String {
    let mut digits = 0_u32;
    let lower = |c: char| {
        let c = if digits > 0 { c.to_ascii_lowercase() } else { c };
        digits = if c == '%' { 2 } else { digits.saturating_sub(1) };
        c
    };
    encoded.chars().map(lower).collect()
}

/// As JSON, in the forms that Rust and PHP write.
fn json_forms(secret: &str) -> [String; 3] {
    let quoted = serde_json::Value::from(secret).to_string();
    let plain = quoted[1..quoted.len() - 1].to_owned();
    let php = plain.replace('/', "\\/");
    let mut ascii = String::new();
    for c in php.chars() {
        if c.is_ascii() {
            ascii.push(c);
        } else {
            ascii.extend(c.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")));
        }
    }
    [plain, php, ascii]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mask_hides_every_form() {
        let mut mask = Redactor::default();
        mask.add("p&ss w", "(1)");
        mask.add("tcp://h?auth=p%26ss%20w&x", "(2)");
        for (text, hidden) in [
            ("a p&ss w b", "a (1) b"),
            ("path: tcp://h?auth=p%26ss%20w&x", "path: (2)"),
            ("path: tcp://h?auth=p%26ss%20w&amp;x", "path: (2)"),
            ("auth=p%26ss%20w", "auth=(1)"),
            ("p&amp;ss w", "(1)"),
            ("nothing", "nothing"),
        ] {
            assert_eq!(mask.hide(text), hidden);
        }
    }

    /// What PHP's functions for uris, forms, HTML, code and JSON make of it.
    #[test]
    fn a_mask_hides_what_php_makes_of_a_password() {
        let mut mask = Redactor::default();
        mask.add("p@ s'\"\\/<ü>&", "*");
        for text in [
            "p%40%20s%27%22%5C%2F%3C%C3%BC%3E%26",
            "p%40%20s%27%22%5c%2f%3c%c3%bc%3e%26",
            "p%40+s%27%22%5C%2F%3C%C3%BC%3E%26",
            "p@ s&#039;&quot;\\/&lt;ü&gt;&amp;",
            "p@ s\\'\\\"\\\\/<ü>&",
            "p@ s\\'\"\\\\/<ü>&",
            r#"p@ s'\"\\\/<\u00fc>&"#,
            r#"p@ s'\"\\/<ü>&"#,
        ] {
            assert_eq!(mask.hide(&format!("a {text} b")), "a * b");
        }
    }
}
