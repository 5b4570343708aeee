//! The names of all variables that a user sets, and what is wrong with those that nothing reads.
//! docs/settings.md says what each means.

use super::environment::Environment;
use crate::store::Store;
use crate::system::spelling::closest;

pub(crate) const STORE: &str = "BP_PHP_SESSION_STORE";
pub(crate) const SESSION_NAME: &str = "BP_PHP_SESSION_NAME";
pub(crate) const EXTENSION: &str = "BP_PHP_SESSION_EXTENSION";
pub(crate) const EXTENSION_MAX_AGE: &str = "BP_PHP_SESSION_EXTENSION_MAX_AGE";
pub(crate) const DISPLAY_ERRORS: &str = "BP_PHP_SESSION_DISPLAY_ERRORS";
pub(crate) const EMBED_CREDENTIALS: &str = "BP_PHP_SESSION_EMBED_CREDENTIALS";
pub(crate) const FRAMEWORK: &str = "BP_PHP_SESSION_FRAMEWORK";
pub(crate) const MIRROR: &str = "BP_DEPENDENCY_MIRROR";
pub(crate) const LOG_LEVEL: &str = "BP_LOG_LEVEL";
pub(crate) const WEB_DIR: &str = "BP_PHP_WEB_DIR";
pub(crate) const MISSING: &str = "BPL_PHP_SESSION_MISSING";
pub const PROBE: &str = "BPL_PHP_SESSION_PROBE";
pub(crate) const LOG: &str = "BPL_PHP_SESSION_LOG";
pub(crate) const SERVICE_VARIABLE: &str = "BPL_PHP_SESSION_SERVICE_VARIABLE";
pub(crate) const LAUNCH_FRAMEWORK: &str = "BPL_PHP_SESSION_FRAMEWORK";
pub(crate) const STORE_VARIABLES: &str = "BPL_PHP_SESSION_STORE_VARIABLES";
pub const PROXY: &str = "BPL_PHP_SESSION_PROXY";
pub(crate) const PROXY_CONNECTIONS: &str = "BPL_PHP_SESSION_PROXY_CONNECTIONS";
pub(crate) const PROXY_FOLDER: &str = "BPL_PHP_SESSION_PROXY_FOLDER";
pub(crate) const METRICS: &str = "BPL_PHP_SESSION_METRICS";
pub const OPTIONS: &str = "BPL_PHP_SESSION_OPTIONS";

/// When a variable is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    Build,
    Launch,
}

/// The variables that are ours alone. Other buildpacks read the others too.
const OURS: [(&str, Phase); 18] = [
    (STORE, Phase::Build),
    (SESSION_NAME, Phase::Build),
    (EXTENSION, Phase::Build),
    (EXTENSION_MAX_AGE, Phase::Build),
    (DISPLAY_ERRORS, Phase::Build),
    (EMBED_CREDENTIALS, Phase::Build),
    (FRAMEWORK, Phase::Build),
    (MISSING, Phase::Launch),
    (PROBE, Phase::Launch),
    (LOG, Phase::Launch),
    (SERVICE_VARIABLE, Phase::Launch),
    (LAUNCH_FRAMEWORK, Phase::Launch),
    (STORE_VARIABLES, Phase::Launch),
    (PROXY, Phase::Launch),
    (PROXY_CONNECTIONS, Phase::Launch),
    (PROXY_FOLDER, Phase::Launch),
    (METRICS, Phase::Launch),
    (OPTIONS, Phase::Launch),
];

/// Names of ours begin so.
const PREFIXES: [&str; 2] = ["BP_PHP_SESSION", "BPL_PHP_SESSION"];

/// Platforms with one set of variables for both phases, by what they set themselves: Cloud Foundry, Heroku.
const SAME_IN_BOTH: [&str; 2] = ["VCAP_APPLICATION", "DYNO"];

/// One line for each variable that was meant for us, but that this phase does not read: set in the wrong phase, or
/// misspelt.
pub(crate) fn not_read(environment: &Environment, phase: Phase) -> Vec<String> {
    let names = environment.names_with_prefix("");
    let is_same_in_both = SAME_IN_BOTH.iter().any(|name| names.iter().any(|it| it == name));
    let line = |name: &String| match OURS.iter().find(|(ours, _)| ours == name) {
        Some((_, of)) if *of == phase || is_same_in_both => None,
        Some((_, Phase::Build)) => Some(format!(
            "{name} is set here, but it is only read at build: set it there, and build again"
        )),
        Some((_, Phase::Launch)) => Some(format!(
            "{name} is set here, but it is only read at launch: set it in the running container"
        )),
        None => misspelt(name),
    };
    names.iter().filter_map(line).collect()
}

fn misspelt(name: &str) -> Option<String> {
    let keys = Store::ALL.map(Store::search_key_variable);
    if keys.contains(&name) {
        return None;
    }
    let known = OURS.iter().map(|(ours, _)| *ours).chain(keys);
    match closest(name, known) {
        Some(known) => {
            Some(format!("{name} is set, but there is no such variable. Did you mean {known}?"))
        }
        None if PREFIXES.iter().any(|prefix| name.starts_with(prefix)) => {
            Some(format!("{name} is set, but there is no such variable"))
        }
        None => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(names: &[&str], phase: Phase) -> Vec<String> {
        not_read(&names.iter().map(|name| (*name, "x")).collect(), phase)
    }

    #[test]
    fn what_the_phase_reads_and_what_others_read_is_not_mentioned() {
        let of_build = ["BP_PHP_SESSION_STORE", "REDIS_SESSION_STORE_SERVICE_NAME", "BP_LOG_LEVEL"];
        assert_eq!(lines(&of_build, Phase::Build), [""; 0]);
        let others =
            ["BP_PHP_WEB_DIR", "BP_PHP_VERSION", "BPL_JVM_HEAD_ROOM", "PHP_SESSION_PREFIX"];
        assert_eq!(lines(&others, Phase::Launch), [""; 0]);
        // Cloud Foundry and Heroku have one set of variables for both.
        for platform in ["VCAP_APPLICATION", "DYNO"] {
            assert_eq!(lines(&[platform, "BP_PHP_SESSION_STORE"], Phase::Launch), [""; 0]);
        }
    }

    #[test]
    fn the_table_has_every_variable_of_ours() {
        let values = include_str!("variables.rs").split("str = \"").skip(1);
        let names = values.filter_map(|rest| Some(rest.split_once("\";")?.0));
        let ours: Vec<&str> =
            names.filter(|name| PREFIXES.iter().any(|prefix| name.starts_with(prefix))).collect();
        assert!(ours.len() > 15, "{ours:?}");
        for name in ours {
            assert!(OURS.iter().any(|(it, _)| *it == name), "{name}");
        }
    }

    #[test]
    fn what_nothing_reads_gets_a_line() {
        for (name, phase, expected) in [
            ("BPL_PHP_SESSION_PROXY", Phase::Build, "only read at launch"),
            ("BP_PHP_SESSION_STORE", Phase::Launch, "only read at build"),
            ("BPL_PHP_SESSION_OPTION", Phase::Launch, "Did you mean BPL_PHP_SESSION_OPTIONS?"),
            ("BP_PHP_SESSION_OPTIONS", Phase::Launch, "Did you mean BPL_PHP_SESSION_OPTIONS?"),
            ("BPL_PHP_SESION_PROXY", Phase::Launch, "Did you mean BPL_PHP_SESSION_PROXY?"),
            ("bp_php_session_store", Phase::Build, "Did you mean BP_PHP_SESSION_STORE?"),
            ("BP_PHP_SESSIONS_STORE", Phase::Build, "Did you mean BP_PHP_SESSION_STORE?"),
            ("REDIS_SESSION_STORE_SERVICENAME", Phase::Launch, "REDIS_SESSION_STORE_SERVICE_NAME?"),
            ("BPL_PHP_SESSION_COLOR", Phase::Launch, "there is no such variable"),
        ] {
            let lines = lines(&[name], phase);
            assert!(lines.len() == 1 && lines[0].contains(expected), "{name}: {lines:?}");
        }
    }
}
