//! `session-check`: `docker run --entrypoint session-check IMAGE` says whether sessions are kept, and if
//! not, why not. Exit status 0 if they are, 1 if they are not, 2 if it cannot be said.

use php_session_store::check::check;
use php_session_store::check::report::Report;
use php_session_store::environment::Environment;
use php_session_store::error::report;
use php_session_store::layers::session::layer_of_program;
use php_session_store::platform::LAUNCH_PLATFORM_DIR;
use std::error::Error;
use std::path::Path;
use std::process::ExitCode;

const USAGE: &str = "Usage: session-check [--json]\n\nStarts a session with the very settings of the app, writes it, reads it in a second process and\ndestroys it; prints what it found. Exit status: 0 kept, 1 not kept, 2 it cannot be said.";

fn main() -> ExitCode {
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
    match run() {
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

fn run() -> Result<Report, Box<dyn Error>> {
    let layer = layer_of_program()?;
    let app_dir = std::env::current_dir()?;
    Ok(check(&Environment::current(), Path::new(LAUNCH_PLATFORM_DIR), &layer, &app_dir)?)
}
