//! The exec.d program: runs in the container before the app's process, and tells PHP where to keep sessions.

use super::build_record::layer_of_program;
use super::prepare::{Launch, prepare};
use super::route::StartProxy;
use super::started_process::Started;
use crate::config::environment::Environment;
use crate::config::platform::LAUNCH_PLATFORM_DIR;
use crate::system::log_line::{report, report_error};
use libcnb::exec_d::write_exec_d_program_output;
use std::path::Path;
use std::process::ExitCode;

/// Runs the program, which also starts the session proxy if it is used. A failure stops the container's start.
#[must_use]
pub fn run(start_proxy: StartProxy<'_>) -> ExitCode {
    if let Err(error) = launch(start_proxy) {
        eprintln!("{}", report_error(&error));
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

fn launch(start_proxy: StartProxy<'_>) -> anyhow::Result<()> {
    let layer = layer_of_program()?;
    let started = Started::now(&layer);
    if started == Started::SessionProxy {
        // That process has no PHP.
        return Ok(());
    }
    let (environment, platform_dir) = (Environment::current(), Path::new(LAUNCH_PLATFORM_DIR));
    // The launcher runs exec.d programs in the app's folder.
    let app_dir = std::env::current_dir()?;
    match prepare(&environment, platform_dir, &layer, &app_dir, start_proxy) {
        Ok(Launch { variables, messages, app }) => {
            for message in messages.iter().chain(&app.message) {
                eprintln!("{}", report(message));
            }
            let variables = variables.into_iter().chain(app.variables);
            let output = variables.map(|(variable, value)| (variable.key(), value));
            write_exec_d_program_output(output.collect::<Vec<_>>());
            Ok(())
        }
        // It will find the same error, and report it in the requested format.
        Err(_) if started == Started::SessionCheck => Ok(()),
        Err(error) => Err(error),
    }
}
