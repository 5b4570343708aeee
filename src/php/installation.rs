//! The installed PHP: its version, its facts, and its warnings.

use super::script::run_script;
use super::siblings::{programs_beside, siblings, with_configuration_of};
use crate::system::version::Version;
use anyhow::anyhow;
use indoc::formatdoc;
use libcnb::Env;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

const FACTS: &str = include_str!("facts.php");
/// Set by Paketo's php-dist.
const PHP_EXTENSION_DIR: &str = "PHP_EXTENSION_DIR";

/// Overrides for settings of the app that could spoil the answer, or keep PHP from answering at all. The command
/// line beats every ini file; PHP ignores a setting that it does not know.
const NEUTRAL: [&str; 15] = [
    // Startup messages go to the log (stderr), whatever php.ini says.
    "log_errors=1",
    "error_log=",
    "error_reporting=-1",
    "html_errors=0",
    "disable_functions=",
    "disable_classes=",
    "open_basedir=",
    "memory_limit=-1",
    "max_execution_time=60",
    "auto_prepend_file=",
    "auto_append_file=",
    "session.auto_start=0",
    // Without opcache nothing is preloaded.
    "opcache.enable_cli=0",
    "xdebug.mode=off",
    "serialize_precision=-1",
];

/// Options for `php` that keep the app's settings from breaking our scripts.
pub(crate) fn neutral_options<'a>() -> impl Iterator<Item = &'a str> {
    NEUTRAL.iter().flat_map(|setting| ["-d", setting])
}

/// The installed PHP, as it answers in one environment.
#[derive(Debug, Clone)]
pub struct Php {
    pub(crate) cli: Program,
    /// The SAPIs that have a configuration of their own: fpm, cgi, apache2 …
    others: Vec<Program>,
}

/// One of PHP's programs (SAPIs).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    pub(crate) name: String,
    /// What it reports about itself.
    pub(crate) facts: Facts,
    /// Its startup warnings, one line each.
    pub(crate) warnings: Vec<String>,
}

/// The facts that `php/facts.php` prints.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Facts {
    pub(crate) version: Version,
    /// The version of the extension API, such as `20220829`.
    pub(crate) api: String,
    pub(crate) thread_safe: bool,
    pub(crate) debug: bool,
    pub(crate) binary: PathBuf,
    /// Where PHP's extensions are.
    pub(crate) extension_dir: PathBuf,
    /// The same folder, if PHP itself looks elsewhere.
    #[serde(skip)]
    lost_extension_dir: Option<PathBuf>,
    /// Where PHP looks for its php.ini, as compiled in.
    pub(crate) configuration_dir: PathBuf,
    /// The compiled-in folder of ini files; empty if there is none.
    pub(crate) scan_dir: PathBuf,
    /// The loaded extensions, in lower case, with their versions as text: not every one is a number.
    pub(crate) extensions: BTreeMap<String, String>,
    /// The stream transports; OpenSSL adds `tls`.
    pub(crate) transports: Vec<String>,
    pub(crate) save_handlers: Vec<String>,
    pub(crate) save_handler: String,
    pub(crate) save_path: String,
    /// `display_errors` from php.ini, or PHP's default.
    pub(crate) display_errors: String,
    /// `openssl.cafile` in force; empty means OpenSSL's default.
    pub(crate) cafile: String,
    /// `openssl.capath` in force; empty means OpenSSL's default.
    pub(crate) capath: String,
    pub(crate) strict_mode: bool,
    /// `session.sid_length` in force; 0 if PHP does not know it.
    pub(crate) sid_length: usize,
    pub(crate) session_name: String,
}

impl Php {
    /// Asks every PHP program for its facts, in this environment.
    ///
    /// # Errors
    /// Fails if there is no PHP, or a program does not answer.
    pub fn ask(env: &Env) -> anyhow::Result<Self> {
        let mut cli = Program::ask("cli", env, &[])?;
        cli.facts.find_extensions(env);
        let mut others = siblings(&cli.facts.configuration_dir)
            .into_iter()
            .map(|(name, configuration)| {
                let (env, options) = with_configuration_of(env, &configuration);
                Program::ask(&name, &env, &options)
            })
            .collect::<anyhow::Result<Vec<_>>>()?;
        if others.is_empty() {
            let names = programs_beside(&cli.facts.binary).into_iter();
            // These read the same ini files.
            others = names.map(|name| Program { name: name.to_owned(), ..cli.clone() }).collect();
        }
        Ok(Self { cli, others })
    }

    /// All programs, `php` itself first.
    pub(crate) fn programs(&self) -> impl Iterator<Item = &Program> {
        std::iter::once(&self.cli).chain(&self.others)
    }

    /// Whether pages show PHP's warnings to visitors. If no other program serves pages, `php -S` does.
    pub(crate) fn displays_errors(&self) -> bool {
        let cli = self.others.is_empty().then_some(&self.cli);
        self.others.iter().chain(cli).any(|program| program.facts.displays_errors())
    }

    pub(crate) fn names(&self) -> String {
        self.programs().map(|program| program.name.as_str()).collect::<Vec<_>>().join(", ")
    }

    pub(crate) fn facts(&self) -> &Facts {
        &self.cli.facts
    }
}

impl Facts {
    /// Where an ini file that names the folder of the extensions is not read (`PHP_INI_SCAN_DIR` in the place of Paketo's),
    /// PHP looks for them where it was compiled to be.
    fn find_extensions(&mut self, env: &Env) {
        let named = env.get(PHP_EXTENSION_DIR).map(PathBuf::from).filter(|folder| folder.is_dir());
        if let Some(named) = named.filter(|_| !self.extension_dir.is_dir()) {
            self.extension_dir.clone_from(&named);
            self.lost_extension_dir = Some(named);
        }
    }

    /// The value of the `extension` directive for one of PHP's own extensions.
    pub(crate) fn object(&self, name: &str) -> String {
        let file = format!("{name}.so");
        match &self.lost_extension_dir {
            Some(folder) => folder.join(file).display().to_string(),
            None => file,
        }
    }

    fn displays_errors(&self) -> bool {
        let value = self.display_errors.to_ascii_lowercase();
        !matches!(value.as_str(), "" | "0" | "off" | "no" | "false" | "stderr")
    }
}

impl Program {
    /// Runs `php` once with these options and reads its answer.
    pub(crate) fn ask(name: &str, env: &Env, options: &[String]) -> anyhow::Result<Self> {
        let options: Vec<&str> =
            options.iter().map(String::as_str).chain(neutral_options()).collect();
        let answer = run_script(FACTS, "", &[], &options, env)?;
        let warnings = answer.stderr.lines().map(str::trim).filter(|line| !line.is_empty());
        let warnings = warnings.map(str::to_owned).collect();
        let facts = answer.answer.map_err(|ended| {
            anyhow!(formatdoc! {"
                `php` failed to run the buildpack's script: {ended}
                Run `php -v` in the build image to see what is wrong."})
        })?;
        Ok(Self { name: name.to_owned(), facts, warnings })
    }

    /// The warnings that `before` did not have.
    pub(crate) fn new_warnings(&self, before: &Self) -> Vec<&str> {
        let new = self.warnings.iter().filter(|warning| !before.warnings.contains(warning));
        new.map(String::as_str).collect()
    }

    pub(crate) fn loads(&self, extension: &str) -> bool {
        self.facts.extensions.contains_key(extension)
    }

    /// PHP's warning if an ini file enables this extension and PHP cannot load it.
    pub(crate) fn load_failure(&self, extension: &str) -> Option<&str> {
        let is_of_extension = |warning: &&String| {
            let named = warning.split_once("Unable to load dynamic library '");
            let name = named.and_then(|(_, rest)| Path::new(rest.split_once('\'')?.0).file_stem());
            name.is_some_and(|name| name == extension)
        };
        self.warnings.iter().find(is_of_extension).map(String::as_str)
    }

    /// Whether its streams support TLS.
    pub(crate) fn knows_tls(&self) -> bool {
        self.facts.transports.iter().any(|transport| transport == "tls")
    }

    /// The version of a loaded extension, if it is a number.
    pub(crate) fn version_of(&self, extension: &str) -> Option<Version> {
        self.facts.extensions.get(extension)?.parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts() -> serde_json::Value {
        serde_json::json!({
            "version": "8.2.36", "api": "20220829", "thread_safe": false, "debug": false,
            "binary": "/usr/bin/php8.2", "extension_dir": "/x", "configuration_dir": "/etc/php/8.2/cli",
            "scan_dir": "/etc/php/8.2/cli/conf.d",
            "extensions": {"mysqlnd": "mysqlnd 8.2.36", "dom": "20031129", "odd": "", "redis": "5.3.7"},
            "transports": ["tcp", "tls"], "save_handlers": ["files", "memcache"],
            "save_handler": "files", "save_path": "", "display_errors": "", "cafile": "", "capath": "",
            "strict_mode": false, "sid_length": 32,
            "session_name": "PHPSESSID",
        })
    }

    #[test]
    fn extensions_that_php_itself_would_not_find_are_named_by_their_path() {
        let there = tempfile::tempdir().unwrap();
        let mut env = Env::new();
        env.insert(PHP_EXTENSION_DIR, there.path());
        let mut facts: Facts = serde_json::from_value(facts()).unwrap();
        facts.find_extensions(&Env::new());
        assert_eq!(facts.object("redis"), "redis.so");
        facts.find_extensions(&env);
        assert_eq!(facts.object("redis"), there.path().join("redis.so").display().to_string());
        let mut found = Facts { extension_dir: "/".into(), lost_extension_dir: None, ..facts };
        found.find_extensions(&env);
        assert_eq!(found.object("redis"), "redis.so");
    }

    #[test]
    fn an_extension_whose_version_is_no_number_spoils_nothing() {
        let facts = serde_json::from_value(facts()).unwrap();
        let program = Program { name: "cli".into(), facts, warnings: Vec::new() };
        assert!(program.loads("mysqlnd"));
        assert!(program.version_of("mysqlnd").is_none());
        assert_eq!(program.version_of("redis").unwrap().to_string(), "5.3.7");
    }

    #[test]
    fn an_extension_that_cannot_be_loaded_is_known_by_the_name_that_the_ini_file_has() {
        let failure = |name: &str| {
            let warning = format!(
                "PHP Warning:  PHP Startup: Unable to load dynamic library '{name}' (tried: /x/redis.so (/x/redis.so: undefined symbol: igbinary_serialize)) in Unknown on line 0"
            );
            let facts = serde_json::from_value(facts()).unwrap();
            Program { name: "cli".into(), facts, warnings: vec![warning] }
        };
        for name in ["redis", "redis.so", "/x/redis.so"] {
            assert!(failure(name).load_failure("redis").is_some(), "{name}");
        }
        assert!(failure("phpredis.so").load_failure("redis").is_none());
    }
}
