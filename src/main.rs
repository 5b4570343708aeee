//! One program under several names: the buildpack's `detect` and `build`, and in the image the exec.d
//! program `session_env`, `session-check` and `session-proxy`. One file is smaller than three, and is linked once.

use libcnb::build::{BuildContext, BuildResult, BuildResultBuilder};
use libcnb::detect::{DetectContext, DetectResult, DetectResultBuilder};
use libcnb::{Buildpack, Env, libcnb_runtime};
use php_session_store::config::platform::BuildPlatform;
use php_session_store::detect::{Decision, build_plan};
use php_session_store::extension::Request;
use php_session_store::extension::release::Pins;
use php_session_store::launch::record::{EXEC_D_PROGRAM, SESSION_CHECK, SESSION_PROXY};
use php_session_store::layers::extension::contribute_extension_layer;
use php_session_store::layers::preflight::preflight;
use php_session_store::layers::session::contribute_session_layer;
use php_session_store::layers::session_settings::SessionSettings;
use php_session_store::layers::verify::verify;
use php_session_store::php::Php;
use php_session_store::php::foreign_ini::session_inis_of_other_layers;
use php_session_store::{check, launch, log, proxy};
use std::path::Path;
use std::process::ExitCode;

struct PhpSessionStore;

impl Buildpack for PhpSessionStore {
    type Platform = BuildPlatform;
    type Metadata = Pins;
    type Error = anyhow::Error;

    fn detect(&self, context: DetectContext<Self>) -> libcnb::Result<DetectResult, Self::Error> {
        for line in log::looked_at(&context.app_dir, &context.platform) {
            println!("{line}");
        }
        match Decision::read(&context.app_dir, &context.platform) {
            Ok(Decision::Skip(reason)) => {
                println!("{reason}");
                DetectResultBuilder::fail().build()
            }
            // An error passes as well: failing here would make the lifecycle go on without a buildpack that
            // is optional in its group. The build meets the same error, and stops.
            Ok(Decision::Contribute(_) | Decision::Warn(_)) | Err(_) => {
                DetectResultBuilder::pass().build_plan(build_plan()).build()
            }
        }
    }

    fn build(&self, context: BuildContext<Self>) -> libcnb::Result<BuildResult, Self::Error> {
        let started = log::start();
        log::details(&log::looked_at(&context.app_dir, &context.platform));
        let config = match Decision::read(&context.app_dir, &context.platform)? {
            Decision::Contribute(config) => config,
            Decision::Skip(reason) => {
                log::skipped(&reason);
                return BuildResultBuilder::new().build();
            }
            Decision::Warn(what) => {
                log::warned(&what);
                return BuildResultBuilder::new().build();
            }
        };
        log::decision(&config);
        let env = Env::from_current();
        let php = Php::ask(&env).map_err(anyhow::Error::from)?;
        log::php(&config, &php);
        let request = Request::new(&config, &php, &env, &context);
        let extension = contribute_extension_layer(&context, &request)?;
        let settings = SessionSettings::new(&config, &php, &extension)?;
        let layer = contribute_session_layer(&context, &settings, &extension)?;
        verify(&php, &layer, &settings).map_err(anyhow::Error::from)?;
        log::session_settings(&config, &settings, &php);
        log::framework(&settings.record, &context.app_dir);
        log::other_handlers(&session_inis_of_other_layers(&context.layers_dir), config.store);
        log::preflight(&preflight(&config, &settings.record));
        log::done(started);
        BuildResultBuilder::new().launch(layer.launch).build()
    }

    fn on_error(&self, error: libcnb::Error<Self::Error>) {
        match error {
            libcnb::Error::BuildpackError(error) => log::error(&error),
            framework => log::error(&framework),
        }
    }
}

fn main() -> ExitCode {
    let name = std::env::args_os().next().unwrap_or_default();
    match Path::new(&name).file_name().and_then(|name| name.to_str()) {
        Some(EXEC_D_PROGRAM) => launch::exec_d::run(&proxy::start),
        Some(SESSION_CHECK) => check::cli::run(),
        Some(SESSION_PROXY) => proxy::cli::run(),
        _ => {
            libcnb_runtime(&PhpSessionStore);
            ExitCode::SUCCESS
        }
    }
}
