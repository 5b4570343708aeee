//! The program `session-check`: `docker run --entrypoint session-check IMAGE` tells whether sessions are kept, and
//! if not, why not. Exit status 0 if they are, 1 if not, 2 if it cannot tell.

use super::check;
use super::page::{self, Page};
use super::render::render;
use super::report::Report;
use crate::config::environment::Environment;
use crate::config::platform::LAUNCH_PLATFORM_DIR;
use crate::launch::build_record::layer_of_program;
use crate::system::masked::masked;
use anyhow::{Context, bail};
use indoc::indoc;
use lexopt::Arg::{Long, Short, Value};
use lexopt::Parser;
use std::ffi::OsString;
use std::io::{IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;

const USAGE: &str = indoc! {"
    Usage: session-check [--json] [--url URL [--header 'NAME: VALUE']…]

    Writes a session under the app's settings, reads it in a second process, and reports the result.

      --url URL  also requests a page of the running app, as a visitor would, and looks for its session in
                 the service: http://127.0.0.1:8080/, or another page that starts a session
      --header 'NAME: VALUE'
                 a header of these requests: 'X-Forwarded-Proto: https' where the app redirects to https
      --json     prints JSON, as docs/session-check.schema.json describes

    Exit status: 0 if sessions are kept, 1 if not, 2 if it cannot tell."};

#[derive(Debug, Default, PartialEq, Eq)]
struct Arguments {
    json: bool,
    help: bool,
    page: Option<Page>,
}

impl Arguments {
    /// Reads what it can, and reports what it cannot, without a value: it may be a URL with a login.
    fn read(arguments: impl IntoIterator<Item = OsString>) -> (Self, Result<(), String>) {
        let mut read = Self::default();
        let (mut url, mut headers, mut problem) = (None, Vec::new(), Ok(()));
        let mut parser = Parser::from_args(arguments);
        let value = |parser: &mut Parser| {
            let value = parser.value().ok();
            value.map(|value| value.to_string_lossy().into_owned())
        };
        loop {
            match parser.next() {
                Ok(None) => break,
                Ok(Some(Long("json"))) => read.json = true,
                Ok(Some(Long("help") | Short('h'))) => read.help = true,
                Ok(Some(Long("url"))) => match value(&mut parser).as_deref().map(page::url) {
                    Some(Ok(given)) => url = Some(given),
                    Some(Err(wrong)) => problem = Err(wrong),
                    None => problem = Err("--url needs the URL of a page.".to_owned()),
                },
                Ok(Some(Long("header"))) => {
                    match page::header(&value(&mut parser).unwrap_or_default()) {
                        Ok(header) => headers.push(header),
                        Err(wrong) => problem = Err(wrong),
                    }
                }
                Ok(Some(Value(_))) => {
                    problem = Err("The URL of a page belongs after --url.".to_owned());
                }
                Ok(Some(Long(other))) => {
                    problem = Err(unknown(&format!("--{other}")));
                    // Its value, if it has one, is no argument of its own.
                    drop(parser.optional_value());
                }
                Ok(Some(Short(other))) => problem = Err(unknown(&format!("-{other}"))),
                Err(_) => {
                    problem = Err("There is a value after an option that has none.".to_owned());
                }
            }
        }
        read.page = url.map(|url| Page { url, headers });
        (read, problem)
    }
}

fn unknown(option: &str) -> String {
    format!("Unknown option {:?}.", masked(option))
}

/// Runs the program.
#[must_use]
pub fn run() -> ExitCode {
    let (arguments, problem) = Arguments::read(std::env::args_os().skip(1));
    if arguments.help {
        println!("{USAGE}");
        return ExitCode::SUCCESS;
    }
    let report = check_app(&arguments, problem).unwrap_or_else(|error| Report::failed(&error));
    let text = if arguments.json {
        format!("{:#}\n", serde_json::json!(report))
    } else {
        let stdout = std::io::stdout();
        let is_wanted = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        render(&report, is_wanted && stdout.is_terminal())
    };
    // A reader that closes the pipe early still gets the exit status.
    let _ = std::io::stdout().write_all(text.as_bytes());
    report.verdict.exit_code()
}

fn check_app(arguments: &Arguments, problem: Result<(), String>) -> anyhow::Result<Report> {
    if let Err(problem) = problem {
        bail!("{problem}\n\n{USAGE}");
    }
    let layer = layer_of_program()?;
    let app_dir = std::env::current_dir().context("Cannot find the app's folder")?;
    let platform_dir = Path::new(LAUNCH_PLATFORM_DIR);
    check(&Environment::current(), platform_dir, &layer, &app_dir, arguments.page.as_ref())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(arguments: &[&str]) -> (Arguments, Result<(), String>) {
        Arguments::read(arguments.iter().map(OsString::from))
    }

    #[test]
    fn a_bad_option_leaves_json_json() {
        let (arguments, problem) = read(&["--jsn", "--json"]);
        assert!(arguments.json);
        assert!(problem.unwrap_err().contains("\"--jsn\""));
        let (arguments, problem) = read(&["--json", "--url"]);
        assert!(arguments.json);
        assert!(problem.unwrap_err().contains("--url needs"));
        for given in [&["--url", "http://x/"][..], &["--url=http://x/"]] {
            let (arguments, problem) = read(given);
            let url = arguments.page.map(|page| page.url.to_string());
            assert_eq!(url.as_deref(), Some("http://x/"));
            assert!(problem.is_ok());
        }
        let (arguments, problem) =
            read(&["--header=X-Forwarded-Proto: https", "--url", "http://x/", "--header", "A: b"]);
        assert_eq!(arguments.page.unwrap().headers.len(), 2);
        assert!(problem.is_ok());
        assert!(read(&["--url", "http://x/", "--header"]).1.is_err());
    }

    #[test]
    fn what_is_wrong_is_said_without_a_login() {
        for given in [
            &["--ulr=http://shop:secret@x/"][..],
            &["http://shop:secret@x/"],
            &["--url", "htp://shop:secret@x/"],
            &["--header", "secret"],
            &["--json=secret"],
        ] {
            let problem = read(given).1.unwrap_err();
            assert!(!problem.contains("secret"), "{problem}");
        }
    }
}
