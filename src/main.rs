//! One program under several names: the buildpack's `detect` and `build`, and in the image the exec.d
//! program `session_env` and `session-check`. One file is smaller than three, and is linked once.

use bullet_stream::global::print;
use libcnb::build::{BuildContext, BuildResult, BuildResultBuilder};
use libcnb::detect::{DetectContext, DetectResult, DetectResultBuilder};
use libcnb::{Buildpack, Env, libcnb_runtime};
use php_session_store::config::platform::BuildPlatform;
use php_session_store::detect::{Decision, build_plan};
use php_session_store::extension::Request;
use php_session_store::extension::release::Pins;
use php_session_store::launch::record::{EXEC_D_PROGRAM, SESSION_CHECK};
use php_session_store::layers::extension::contribute_extension_layer;
use php_session_store::layers::session::contribute_session_layer;
use php_session_store::php::Php;
use php_session_store::system::report::report;
use php_session_store::{check, launch};
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

struct PhpSessionStore;

impl Buildpack for PhpSessionStore {
    type Platform = BuildPlatform;
    type Metadata = Pins;
    type Error = anyhow::Error;

    fn detect(&self, context: DetectContext<Self>) -> libcnb::Result<DetectResult, Self::Error> {
        match Decision::read(&context.app_dir, &context.platform) {
            Ok(Decision::Skip(reason)) => {
                println!("{reason}");
                DetectResultBuilder::fail().build()
            }
            // An error passes as well: here it would only make the lifecycle go on without a
            // buildpack that is optional in its group. The build meets the same error, and stops.
            Ok(Decision::Contribute(_)) | Err(_) => {
                DetectResultBuilder::pass().build_plan(build_plan()).build()
            }
        }
    }

    fn build(&self, context: BuildContext<Self>) -> libcnb::Result<BuildResult, Self::Error> {
        let started = Instant::now();
        print::h2("PHP session store");
        let config = match Decision::read(&context.app_dir, &context.platform)? {
            Decision::Contribute(config) => config,
            Decision::Skip(reason) => {
                print::bullet(reason);
                return BuildResultBuilder::new().build();
            }
        };
        print::bullet(format!("Sessions in {}", config.store));
        print::sub_bullet(&config.reason);
        let env = Env::from_current();
        let php = Php::ask(&env).map_err(anyhow::Error::from)?;
        print::bullet(format!("PHP {} ({})", php.facts().version, php.names()));
        let request = Request::new(
            &config,
            &php,
            &env,
            &context.target,
            &context.buildpack_descriptor.metadata,
        );
        let extension = contribute_extension_layer(&context, &request)?;
        let launch = contribute_session_layer(&context, &config, &php, &extension)?;
        print::all_done(&Some(started));
        BuildResultBuilder::new().launch(launch).build()
    }

    fn on_error(&self, error: libcnb::Error<Self::Error>) {
        match error {
            libcnb::Error::BuildpackError(error) => print::error(report(&error)),
            framework => print::error(report(&framework)),
        }
    }
}

fn main() -> ExitCode {
    let name = std::env::args_os().next().unwrap_or_default();
    match Path::new(&name).file_name().and_then(|name| name.to_str()) {
        Some(EXEC_D_PROGRAM) => launch::exec_d::run(),
        Some(SESSION_CHECK) => check::cli::run(),
        _ => {
            libcnb_runtime(&PhpSessionStore);
            ExitCode::SUCCESS
        }
    }
}
