//! The exec.d program: runs in the container before the app's process, and tells PHP where to keep sessions.

use super::build_record::layer_of_program;
use super::prepare::{Launch, prepare};
use super::route::StartProxy;
use super::started_process::Started;
use crate::config::environment::Environment;
use crate::config::platform::LAUNCH_PLATFORM_DIR;
use crate::php::variable::Variable;
use crate::system::log_line::{report, report_error};
use libcnb::data::exec_d::ExecDProgramOutputKey;
use libcnb::data::exec_d_program_output_key;
use libcnb::exec_d::write_exec_d_program_output;
use std::path::Path;
use std::process::ExitCode;

/// Runs the program, which also starts the session proxy if it is used. A failure stops the container's start.
#[must_use]
pub fn run(start_proxy: StartProxy<'_>) -> ExitCode {
    let started = Started::now();
    if started == Started::SessionProxy {
        // That process has no PHP.
        return ExitCode::SUCCESS;
    }
    match launch(start_proxy) {
        Ok(Launch { variables, messages, app }) => {
            for message in messages.iter().chain(&app.message) {
                eprintln!("{}", report(message));
            }
            let of_php = variables.into_iter().map(|(variable, value)| (key(variable), value));
            let of_app = app.variables.into_iter().map(|(variable, value)| (variable.key(), value));
            write_exec_d_program_output(of_php.chain(of_app).collect::<Vec<_>>());
            ExitCode::SUCCESS
        }
        // It will find the same error, and report it in the requested format.
        Err(_) if started == Started::SessionCheck => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{}", report_error(&error));
            ExitCode::FAILURE
        }
    }
}

fn launch(start_proxy: StartProxy<'_>) -> anyhow::Result<Launch> {
    let layer = layer_of_program()?;
    let (environment, platform_dir) = (Environment::current(), Path::new(LAUNCH_PLATFORM_DIR));
    // The launcher runs exec.d programs in the app's folder.
    let app_dir = std::env::current_dir()?;
    prepare(&environment, platform_dir, &layer, &app_dir, start_proxy)
}

/// The variable's name as libcnb expects it, checked at compile time: checking at run time would link a regular
/// expression engine, a third of the program's size.
fn key(variable: Variable) -> ExecDProgramOutputKey {
    match variable {
        Variable::SavePath => exec_d_program_output_key!("PHP_SESSION_SAVE_PATH"),
        Variable::Username => exec_d_program_output_key!("PHP_SESSION_USERNAME"),
        Variable::Password => exec_d_program_output_key!("PHP_SESSION_PASSWORD"),
        Variable::BinaryProtocol => exec_d_program_output_key!("PHP_SESSION_BINARY_PROTOCOL"),
        Variable::Persistent => exec_d_program_output_key!("PHP_SESSION_PERSISTENT"),
        Variable::ConnectTimeout => exec_d_program_output_key!("PHP_SESSION_CONNECT_TIMEOUT"),
        Variable::Prefix => exec_d_program_output_key!("PHP_SESSION_PREFIX"),
        Variable::Locking => exec_d_program_output_key!("PHP_SESSION_LOCKING"),
        Variable::LockWaitMin => exec_d_program_output_key!("PHP_SESSION_LOCK_WAIT_MIN"),
        Variable::LockWaitMax => exec_d_program_output_key!("PHP_SESSION_LOCK_WAIT_MAX"),
        Variable::LockRetries => exec_d_program_output_key!("PHP_SESSION_LOCK_RETRIES"),
        Variable::LockExpire => exec_d_program_output_key!("PHP_SESSION_LOCK_EXPIRE"),
        Variable::CaFile => exec_d_program_output_key!("PHP_SESSION_CA_FILE"),
        Variable::IniScanDir => exec_d_program_output_key!("PHP_INI_SCAN_DIR"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_the_variables_names() {
        for variable in Variable::ALL {
            assert_eq!(key(variable).as_str(), variable.name());
        }
    }
}
