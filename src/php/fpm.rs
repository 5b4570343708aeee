//! The syntax of php-fpm's configuration. Where its files are is what the launch (`launch/fpm_pools.rs`) and the check
//! (`check/fpm.rs`) ask, each in its own way: the check sees a php-fpm that runs.

/// Set by Paketo's php-fpm buildpack to the path of its configuration.
pub(crate) const PHP_FPM_PATH: &str = "PHP_FPM_PATH";

/// A line's name and value.
pub(crate) fn directive(line: &str) -> Option<(&str, &str)> {
    let line = line.trim();
    if line.starts_with([';', '#', '[']) {
        return None;
    }
    let (name, value) = line.split_once('=')?;
    let value = value.trim();
    // A semicolon begins a comment, but a quoted value may contain one: `"2;0600;/sessions"`.
    let comment = if value.starts_with(['"', '\'']) { " ;" } else { ";" };
    let value = value.split(comment).next().unwrap_or_default();
    Some((name.trim(), value.trim().trim_matches(['"', '\''])))
}
