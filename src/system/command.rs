//! Runs other programs: quiet if all goes well, with their output if not.

use crate::config::variables::LOG_LEVEL;
use anyhow::{anyhow, bail};
use libcnb::Env;
use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// A message shows at most this many lines of a failed program's output, the last ones.
const SHOWN_LINES: usize = 40;
/// And at most this many characters of a line: a compiler's command line would hide what it says.
const SHOWN_CHARACTERS: usize = 240;

/// A command that runs a program in this environment, and nothing of our own.
pub(crate) fn command(env: &Env, program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command.env_clear().envs(env);
    command
}

/// Runs a program and returns its stdout.
pub(crate) fn run(command: &mut Command) -> anyhow::Result<String> {
    let output = command.stdin(Stdio::null()).output().map_err(|error| {
        anyhow!("`{}` cannot be started: {error}", command.get_program().display())
    })?;
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    let stderr = String::from_utf8_lossy(&output.stderr);
    if is_debug() {
        eprintln!("{}\n{stdout}{stderr}", words(command));
    }
    if !output.status.success() {
        let lines: Vec<&str> = stdout.lines().chain(stderr.lines()).collect();
        let last = &lines[lines.len().saturating_sub(SHOWN_LINES)..];
        let shown: Vec<String> =
            last.iter().map(|line| format!("{line:.SHOWN_CHARACTERS$}")).collect();
        bail!("`{}` failed ({}):\n{}", words(command), output.status, shown.join("\n"));
    }
    Ok(stdout)
}

/// Whether `BP_LOG_LEVEL` asks for details.
pub(crate) fn is_debug() -> bool {
    std::env::var(LOG_LEVEL).is_ok_and(|level| level.trim().eq_ignore_ascii_case("debug"))
}

fn words(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

/// The program's file, found through the `PATH` in `env`.
pub(crate) fn find_program(env: &Env, name: &str) -> Option<PathBuf> {
    let path = env.get("PATH")?;
    std::env::split_paths(path).map(|dir| dir.join(name)).find(|file| file.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_comes_with_the_programs_words() {
        let error = run(Command::new("sh").args(["-c", "echo out; echo err >&2; exit 3"]));
        let message = error.unwrap_err().to_string();
        for part in ["`sh -c ", "exit status: 3", "out\nerr"] {
            assert!(message.contains(part), "{message}");
        }
        let error = run(&mut Command::new("no-such-program")).unwrap_err();
        assert!(error.to_string().contains("`no-such-program` cannot be started"));
        assert_eq!(run(Command::new("echo").arg("x")).unwrap(), "x\n");
    }

    #[test]
    fn only_the_end_of_a_long_output_is_shown() {
        let error = run(Command::new("sh").args(["-c", "seq 100; exit 1"])).unwrap_err();
        let message = error.to_string();
        assert!(message.ends_with("99\n100"), "{message}");
        assert!(!message.contains("\n60\n"), "{message}");
        let long = "ü".repeat(SHOWN_CHARACTERS);
        let error =
            run(Command::new("sh").args(["-c", "echo \"$0\"cc; exit 1", &long])).unwrap_err();
        assert!(error.to_string().ends_with(&long), "{error}");
    }
}
