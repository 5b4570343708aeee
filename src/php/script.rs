//! Runs our scripts with the installed PHP.

use crate::system::command::find_program;
use crate::system::files::entries;
use anyhow::{anyhow, bail};
use indoc::{formatdoc, writedoc};
use libcnb::Env;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Output, Stdio};

const NOT_FOUND: &str = "There is no `php` on the PATH.\nPut a buildpack that provides PHP before this one, or use a builder whose images have PHP.";

/// Marks a script's answer on stdout: PHP and the app's settings may print before and after it.
const MARK: &str = "php-session-store-answer:";

/// How a PHP ended that gave no answer.
#[derive(Debug)]
pub(crate) struct Ended {
    status: ExitStatus,
    /// Everything it printed.
    output: String,
}

impl fmt::Display for Ended {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { status, output } = self;
        if !output.is_empty() {
            return write!(formatter, "{status}. Its output:\n{output}");
        }
        let meaning = match status.signal() {
            Some(SIGKILL) => {
                "Something killed it, most likely for the container's memory limit: raise the limit."
            }
            Some(_) => {
                "It crashed: another extension may be at fault, or the extension does not fit this PHP."
            }
            None => {
                "It ended early: an ini file or an extension may end it, or a limit of the container (memory, number of processes) may be too low."
            }
        };
        writedoc! {formatter, "
            {status}, without a word.
            {meaning}
            To see more, run `php -d display_errors=stderr -d display_startup_errors=1 -m` in the same container."}
    }
}

const SIGKILL: i32 = 9;

pub(crate) struct ScriptOutput<T> {
    /// The answer, or how PHP ended without one.
    pub(crate) answer: Result<T, Ended>,
    pub(crate) stderr: String,
}

/// Runs `php` once with this script, in exactly this environment. No other process can see its input, on stdin.
pub(crate) fn run_script<T: DeserializeOwned>(
    script: &str,
    input: &str,
    arguments: &[&str],
    options: &[&str],
    env: &Env,
) -> anyhow::Result<ScriptOutput<T>> {
    let mut php = Command::new(program(env)?);
    let script = format!(
        "function answer($answer) {{ echo \"\\n{MARK}\", json_encode($answer, JSON_PARTIAL_OUTPUT_ON_ERROR), \"\\n\"; }}\n{script}"
    );
    php.args(options).args(["-r", &script, "--"]).args(arguments);
    php.env_clear().envs(env);
    php.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut process = php.spawn().map_err(|error| not_started(&error))?;
    // A PHP that fails before the script does not read stdin; its output says why it failed.
    let _ = process.stdin.take().map(|mut stdin| stdin.write_all(input.as_bytes()));
    Ok(output_of(&process.wait_with_output().map_err(|error| not_started(&error))?))
}

/// The path of `php`. Alpine has one for each release, such as `php83`, and no `php`.
fn program(env: &Env) -> anyhow::Result<PathBuf> {
    if let Some(program) = find_program(env, "php") {
        return Ok(program);
    }
    let folders = env.get("PATH").into_iter().flat_map(std::env::split_paths);
    let files = folders.flat_map(|folder| entries(&folder));
    let mut numbered = BTreeMap::new();
    for path in files.filter(|path| is_numbered(path) && path.is_file()) {
        // The same name in a later folder is shadowed or the same file: /bin may be a link to /usr/bin.
        numbered.entry(path.file_name().map(ToOwned::to_owned)).or_insert(path);
    }
    match numbered.into_values().collect::<Vec<_>>().as_slice() {
        [] => bail!(NOT_FOUND),
        [program] => Ok(program.clone()),
        several => {
            let names = several.iter().map(|path| path.display().to_string());
            bail!(formatdoc! {"
                There is no `php` on the PATH, but there are {}.
                Add a link named `php` to the one that serves the app.",
                names.collect::<Vec<_>>().join(", ")
            })
        }
    }
}

fn is_numbered(path: &Path) -> bool {
    let number = path.file_name().and_then(|name| name.to_str()?.strip_prefix("php"));
    number.is_some_and(|number| {
        number.starts_with(|c: char| c.is_ascii_digit())
            && number.chars().all(|c| c.is_ascii_digit() || c == '.')
    })
}

fn not_started(error: &io::Error) -> anyhow::Error {
    match error.kind() {
        io::ErrorKind::NotFound => anyhow!(NOT_FOUND),
        _ => anyhow!("`php` cannot be started: {error}."),
    }
}

fn output_of<T: DeserializeOwned>(output: &Output) -> ScriptOutput<T> {
    let stdout = String::from_utf8_lossy(&output.stdout);
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    let (answer, rest): (Vec<&str>, Vec<&str>) =
        stdout.lines().partition(|line| line.starts_with(MARK));
    let answer = answer.last().and_then(|line| line.strip_prefix(MARK)).unwrap_or_default();
    let ended = |_| Ended {
        status: output.status,
        output: format!("{}\n{stderr}", rest.join("\n")).trim().to_owned(),
    };
    ScriptOutput { answer: serde_json::from_str(answer).map_err(ended), stderr }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_php_that_dies_without_a_word_is_explained() {
        let ended = |status: i32, output: &str| {
            let status = ExitStatus::from_raw(status);
            Ended { status, output: output.to_owned() }.to_string()
        };
        let killed = ended(SIGKILL, "");
        assert!(killed.contains("SIGKILL"), "{killed}");
        assert!(killed.contains("memory limit"), "{killed}");
        assert!(ended(11, "").contains("crashed"));
        let early = ended(255 << 8, "");
        assert!(early.starts_with("exit status: 255, without a word.\n"), "{early}");
        assert!(early.contains("display_errors=stderr"), "{early}");
        assert_eq!(ended(255 << 8, "Fatal"), "exit status: 255. Its output:\nFatal");
    }

    /// What is found in a folder with these files.
    fn found(names: &[&str]) -> Result<String, String> {
        let folder = tempfile::tempdir().unwrap();
        for name in names {
            fs::write(folder.path().join(name), "").unwrap();
        }
        let mut env = Env::new();
        env.insert("PATH", folder.path());
        let name = |path: PathBuf| path.file_name().unwrap().to_string_lossy().into_owned();
        program(&env).map(name).map_err(|error| error.to_string())
    }

    #[test]
    fn alpines_php_has_its_release_in_its_name() {
        assert_eq!(found(&["php83", "php-config83", "phpize83", "php-fpm83"]).unwrap(), "php83");
        assert_eq!(found(&["php", "php8.2", "php8.4"]).unwrap(), "php");
        let none = found(&["phpize", "php.ini"]).unwrap_err();
        assert!(none.starts_with("There is no `php` on the PATH.\n"), "{none}");
        let several = found(&["php82", "php83"]).unwrap_err();
        assert!(several.contains("php82, "), "{several}");
        assert!(several.contains("php83."), "{several}");
    }
}
