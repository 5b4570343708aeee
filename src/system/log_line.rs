//! Formats messages for a log that others write to as well.

use std::fmt::Display;

/// A message prefixed with the buildpack's name. Names from outside may contain anything; a control character
/// could forge a line of the log or clear a terminal.
pub(crate) fn report(message: &impl Display) -> String {
    let mut text = String::from("PHP session store: ");
    for c in message.to_string().chars() {
        if c.is_control() && c != '\n' {
            text.extend(c.escape_default());
        } else {
            text.push(c);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_of_others_are_shown_and_not_obeyed() {
        assert_eq!(report(&"a\u{1b}[2J\rb\nc"), "PHP session store: a\\u{1b}[2J\\rb\nc");
    }
}
