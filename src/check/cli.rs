//! The program `session-check`: `docker run --entrypoint session-check IMAGE` says whether sessions are
//! kept, and if not, why not. Exit status 0 if they are, 1 if they are not, 2 if it cannot be said.

use super::check;
use super::report::Report;
use crate::config::environment::Environment;
use crate::config::platform::LAUNCH_PLATFORM_DIR;
use crate::launch::record::layer_of_program;
use crate::system::report::report;
use std::path::Path;
use std::process::ExitCode;

const USAGE: &str = "Usage: session-check [--json]\n\nStarts a session with the very settings of the app, writes it, reads it in a second process and\ndestroys it; prints what it found. Exit status: 0 kept, 1 not kept, 2 it cannot be said.";

/// Runs the program.
#[must_use]
pub fn run() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let json = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => false,
        ["--json"] => true,
        ["--help" | "-h"] => {
            println!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match check_app() {
        Ok(report) => {
            if json {
                println!("{}", serde_json::json!(report));
            } else {
                print!("{report}");
            }
            if report.kept { ExitCode::SUCCESS } else { ExitCode::from(1) }
        }
        Err(error) => {
            if json {
                println!("{}", serde_json::json!({"kept": false, "error": error.to_string()}));
            } else {
                eprintln!("{}", report(&error));
            }
            ExitCode::from(2)
        }
    }
}

fn check_app() -> anyhow::Result<Report> {
    let layer = layer_of_program()?;
    let app_dir = std::env::current_dir()?;
    check(&Environment::current(), Path::new(LAUNCH_PLATFORM_DIR), &layer, &app_dir)
}
