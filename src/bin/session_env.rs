//! The exec.d program: it runs in the container before the app's process, and tells PHP where the
//! sessions are.

use libcnb::data::exec_d::ExecDProgramOutputKey;
use libcnb::exec_d::write_exec_d_program_output;
use php_session_store::environment::Environment;
use php_session_store::error::report;
use php_session_store::launch::{Launch, LaunchError, prepare};
use php_session_store::layers::session::layer_of_exec_d_program;
use php_session_store::platform::LAUNCH_PLATFORM_DIR;
use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    match launch() {
        Ok(launch) => {
            eprintln!("{}", report(&launch.message));
            let variables = launch.variables.into_iter().map(|(name, value)| {
                (
                    name.parse::<ExecDProgramOutputKey>()
                        .expect("a variable's name is a valid key"),
                    value,
                )
            });
            write_exec_d_program_output(variables.collect::<Vec<_>>());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{}", report(&error));
            ExitCode::FAILURE
        }
    }
}

fn launch() -> Result<Launch, LaunchError> {
    let layer = layer_of_exec_d_program()?;
    prepare(&Environment::current(), Path::new(LAUNCH_PLATFORM_DIR), &layer)
}
