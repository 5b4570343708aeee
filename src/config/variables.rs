//! The names of all variables that a user sets, and what is wrong with those that nothing reads.
//! docs/settings.md says what each means.

use super::environment::Environment;
use crate::store::Store;
use crate::system::spelling::closest;

/// When a variable is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    Build,
    Launch,
}

/// One table of the variables that are ours alone, by the phase that reads them.
macro_rules! ours {
    ($($phase:ident { $($variable:ident = $name:literal;)* })*) => {
        $($(pub const $variable: &str = $name;)*)*
        const OURS: &[(&str, Phase)] = &[$($(($variable, Phase::$phase),)*)*];
    };
}

ours! {
    Build {
        STORE = "BP_PHP_SESSION_STORE";
        SESSION_NAME = "BP_PHP_SESSION_NAME";
        EXTENSION = "BP_PHP_SESSION_EXTENSION";
        EXTENSION_MAX_AGE = "BP_PHP_SESSION_EXTENSION_MAX_AGE";
        DISPLAY_ERRORS = "BP_PHP_SESSION_DISPLAY_ERRORS";
        EMBED_CREDENTIALS = "BP_PHP_SESSION_EMBED_CREDENTIALS";
        FRAMEWORK = "BP_PHP_SESSION_FRAMEWORK";
    }
    Launch {
        MISSING = "BPL_PHP_SESSION_MISSING";
        PROBE = "BPL_PHP_SESSION_PROBE";
        LOG = "BPL_PHP_SESSION_LOG";
        SERVICE_VARIABLE = "BPL_PHP_SESSION_SERVICE_VARIABLE";
        LAUNCH_FRAMEWORK = "BPL_PHP_SESSION_FRAMEWORK";
        STORE_VARIABLES = "BPL_PHP_SESSION_STORE_VARIABLES";
        PROXY = "BPL_PHP_SESSION_PROXY";
        PROXY_CONNECTIONS = "BPL_PHP_SESSION_PROXY_CONNECTIONS";
        PROXY_FOLDER = "BPL_PHP_SESSION_PROXY_FOLDER";
        METRICS = "BPL_PHP_SESSION_METRICS";
        OPTIONS = "BPL_PHP_SESSION_OPTIONS";
    }
}

// Other buildpacks read these too.
pub(crate) const MIRROR: &str = "BP_DEPENDENCY_MIRROR";
pub(crate) const LOG_LEVEL: &str = "BP_LOG_LEVEL";
pub(crate) const WEB_DIR: &str = "BP_PHP_WEB_DIR";

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
            assert_eq!(lines.len(), 1, "{name}: {lines:?}");
            assert!(lines[0].contains(expected), "{name}: {lines:?}");
        }
    }
}
