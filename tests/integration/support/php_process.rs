//! Real PHP as the judge of what the directives do.

use super::Suite;
use super::app::{make_readable, root};
use super::docker::Container;
use php_session_store::app::AppOptions;
use php_session_store::config::environment::Environment;
use php_session_store::config::variables::{PROBE, PROXY};
use php_session_store::launch::prepare::prepare;
use php_session_store::php::PHP_INI_SCAN_DIR;
use php_session_store::php::ini_file::IniFile;
use php_session_store::services::search_keys::SearchKeys;
use php_session_store::store::Store;
use php_session_store::{
    build::session::write_files,
    launch::build_record::{AppFacts, LaunchRecord},
};
use serde::Deserialize;
use serde_json::{Value, json};
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use tempfile::TempDir;

/// A PHP with a session layer, ready to be launched again and again.
pub(crate) struct PhpProcess {
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
    process: Child,
    _container: Container,
    layer: TempDir,
}

/// What PHP did.
#[derive(Debug, Deserialize)]
pub(crate) struct Verdict {
    /// Whether a second process read what the first one had written.
    pub(crate) kept: bool,
    /// PHP's warnings.
    pub(crate) said: String,
}

impl PhpProcess {
    /// Starts the PHP of a Debian release, with a session layer for a store.
    pub(crate) fn start(suite: Suite, store: Store) -> Self {
        let layer = tempfile::tempdir().expect("a folder");
        make_readable(layer.path());
        let search_keys = SearchKeys::determine(&Environment::default(), &AppOptions::default());
        let record = LaunchRecord {
            store,
            extension_version: suite.extension(store).parse().expect("a version"),
            knows_tls: true,
            openssl_cafile: String::new(),
            openssl_capath: String::new(),
            sid_length: 32,
            search_keys: search_keys.expect("the usual keys"),
            strict_mode: false,
            own_setting: None,
            framework: None,
            app: AppFacts::default(),
            scan_dirs: String::new(),
        };
        write_files(layer.path(), &record, Vec::new()).expect("our own folder");
        let script = root().join("tests/integration/support/php_process.php");
        fs::copy(script, layer.path().join("php_process.php")).expect("the script");
        // The layer lies at the same place inside, so that what is said of it holds there, too.
        let path = layer.path().display();
        let container = Container::start(
            &["--volume", &format!("{path}:{path}:ro")],
            &suite.image("mechanisms"),
            &["sleep", "infinity"],
        );
        // The asking process itself goes without the ini file.
        let mut process = Command::new("docker")
            .args([
                "exec",
                "--interactive",
                &container.name,
                "php",
                &format!("{path}/php_process.php"),
            ])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("docker is there");
        Self {
            stdin: process.stdin.take().expect("a pipe"),
            stdout: BufReader::new(process.stdout.take().expect("a pipe")),
            process,
            _container: container,
            layer,
        }
    }

    /// Launches PHP in this environment, and lets it write and read a session.
    pub(crate) fn keep(&mut self, environment: &[(&str, &str)]) -> Verdict {
        let answer = self.ask("keep", environment);
        serde_json::from_value(answer).expect("a verdict")
    }

    /// Launches PHP in this environment, and lets it show what has arrived.
    pub(crate) fn show(&mut self, environment: &[(&str, &str)]) -> Value {
        self.ask("show", environment)
    }

    fn ask(&mut self, task: &str, environment: &[(&str, &str)]) -> Value {
        let conf_d = self.layer.path().join(IniFile::Base.folder());
        let scan_dir = format!(":{}", conf_d.display());
        let environment: Environment = environment
            .iter()
            .copied()
            .chain([(PHP_INI_SCAN_DIR, scan_dir.as_str()), (PROBE, "off"), (PROXY, "off")])
            .collect();
        let launch = prepare(
            &environment,
            Path::new("/nowhere"),
            self.layer.path(),
            Path::new("/nowhere"),
            &|_| unreachable!("no proxy"),
        );
        let mut variables = serde_json::Map::new();
        variables.insert(PHP_INI_SCAN_DIR.to_owned(), json!(scan_dir));
        for (variable, value) in launch.expect("a service that can be used").variables {
            variables.insert(variable.name().to_owned(), json!(value));
        }
        let question = json!({"task": task, "variables": variables});
        writeln!(self.stdin, "{question}").expect("PHP listens");
        let mut line = String::new();
        self.stdout.read_line(&mut line).expect("PHP answers");
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"))
    }
}

impl Drop for PhpProcess {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
