//! Real PHP as the judge of what the directives do.

use super::Suite;
use super::app::{make_readable, root};
use super::docker::Container;
use php_session_store::directives::{Directive, render};
use serde::Deserialize;
use serde_json::json;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use tempfile::TempDir;

/// A PHP with a drop-in, ready to be asked again and again.
pub(crate) struct Oracle {
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
    process: Child,
    _container: Container,
    _folder: TempDir,
}

/// What PHP did.
#[derive(Debug, Deserialize)]
pub(crate) struct Verdict {
    /// Whether a second process read what the first one had written.
    pub(crate) kept: bool,
    /// The save path that PHP had.
    pub(crate) path: Option<String>,
    /// PHP's warnings.
    pub(crate) said: String,
}

impl Oracle {
    /// Starts the PHP of a Debian release.
    pub(crate) fn start(suite: Suite, drop_in: &[Directive]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        make_readable(folder.path());
        fs::write(folder.path().join("session.ini"), render(drop_in)).expect("the drop-in");
        let script = root().join("tests/integration/support/oracle.php");
        fs::copy(script, folder.path().join("oracle.php")).expect("the script");
        let mount = format!("{}:/oracle:ro", folder.path().display());
        let container = Container::start(
            &["--volume", &mount, "--env", "PHP_INI_SCAN_DIR=:/oracle"],
            &suite.image("full"),
            &["sleep", "infinity"],
        );
        // The asking process itself goes without the drop-in.
        let mut process = Command::new("docker")
            .args(["exec", "--interactive", &container.name, "php", "/oracle/oracle.php"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("docker is there");
        Self {
            stdin: process.stdin.take().expect("a pipe"),
            stdout: BufReader::new(process.stdout.take().expect("a pipe")),
            process,
            _container: container,
            _folder: folder,
        }
    }

    /// Lets PHP write and read a session with these variables.
    pub(crate) fn ask(&mut self, variables: &[(&str, &str)]) -> Verdict {
        let variables: serde_json::Map<_, _> =
            variables.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
        writeln!(self.stdin, "{}", json!(variables)).expect("the oracle listens");
        let mut line = String::new();
        self.stdout.read_line(&mut line).expect("the oracle answers");
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"))
    }
}

impl Drop for Oracle {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
