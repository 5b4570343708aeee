//! How php-fpm's configuration is written.

/// Paketo's php-fpm buildpack says with it where its configuration is.
pub(crate) const PHP_FPM_PATH: &str = "PHP_FPM_PATH";

/// A line's name and value.
pub(crate) fn directive(line: &str) -> Option<(&str, &str)> {
    let line = line.trim();
    if line.starts_with([';', '#', '[']) {
        return None;
    }
    let (name, value) = line.split_once('=')?;
    let value = value.trim();
    // A comment begins with a semicolon, which a text in quotes may hold: `"2;0600;/sessions"`.
    let comment = if value.starts_with(['"', '\'']) { " ;" } else { ";" };
    let value = value.split(comment).next().unwrap_or_default();
    Some((name.trim(), value.trim().trim_matches(['"', '\''])))
}
