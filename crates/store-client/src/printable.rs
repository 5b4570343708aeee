//! Texts from outside, for a terminal or a log.

use std::fmt::Display;

/// The text with its control characters written out: they could forge a line of a log or clear a terminal. Line ends stay.
pub fn printable(text: &impl Display) -> String {
    let mut shown = String::new();
    for c in text.to_string().chars() {
        if c.is_control() && c != '\n' {
            shown.extend(c.escape_default());
        } else {
            shown.push(c);
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_of_others_are_shown_and_not_obeyed() {
        assert_eq!(printable(&"a\u{1b}[2J\rb\nc"), "a\\u{1b}[2J\\rb\nc");
    }
}
