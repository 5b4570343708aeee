//! One binary under four names: the buildpack, `session_env` (exec.d), `session-check` and `session-proxy`.

use bullet_stream::global::print;
use libcnb::build::{BuildContext, BuildResult, BuildResultBuilder};
use libcnb::detect::{DetectContext, DetectResult, DetectResultBuilder};
use libcnb::{Buildpack, Env, libcnb_runtime};
use php_session_store::build::decision::{Decision, build_plan};
use php_session_store::build::extension::{ExtensionRequest, Pins, contribute_extension_layer};
use php_session_store::build::session::{SessionSettings, contribute_session_layer, verify};
use php_session_store::build::{log, preflight};
use php_session_store::config::platform::BuildPlatform;
use php_session_store::launch::build_record::{EXEC_D_PROGRAM, SESSION_CHECK, SESSION_PROXY};
use php_session_store::php::{Php, session_inis_of_other_layers};
use php_session_store::{check, launch, proxy};
use std::path::Path;
use std::process::ExitCode;

struct PhpSessionStore;

impl Buildpack for PhpSessionStore {
    type Platform = BuildPlatform;
    type Metadata = Pins;
    type Error = anyhow::Error;

    fn detect(&self, context: DetectContext<Self>) -> libcnb::Result<DetectResult, Self::Error> {
        log::looked_at(&context.app_dir, &context.platform, |line| println!("{line}"));
        if let Ok(Decision::Skip(reason)) = Decision::read(&context.app_dir, &context.platform) {
            println!("{reason}");
            return DetectResultBuilder::fail().build();
        }
        // An error passes too: if an optional buildpack fails here, the lifecycle simply goes on without it. The
        // build hits the same error and stops.
        DetectResultBuilder::pass().build_plan(build_plan()).build()
    }

    fn build(&self, context: BuildContext<Self>) -> libcnb::Result<BuildResult, Self::Error> {
        let started = log::start();
        log::looked_at(&context.app_dir, &context.platform, print::sub_bullet);
        let config = match Decision::read(&context.app_dir, &context.platform)? {
            Decision::Contribute(config) => config,
            nothing => {
                log::nothing_to_do(&nothing);
                return BuildResultBuilder::new().build();
            }
        };
        log::decision(&config);
        let env = Env::from_current();
        let php = Php::ask(&env)?;
        log::php(&config, &php);
        let request = ExtensionRequest::new(&config, &php, &env, &context);
        let extension = contribute_extension_layer(&context, &request)?;
        let app = config.look_through(&context.app_dir);
        let settings = SessionSettings::new(&config, &php, &extension, &app, &env)?;
        let layer = contribute_session_layer(&context, &settings, &extension, &env)?;
        verify(&php, &layer, &settings)?;
        log::session_settings(&config, &settings, &php);
        log::secrets_in_app(&app);
        log::limits(&settings.record);
        log::framework(&settings.record, &context.app_dir);
        let inis = session_inis_of_other_layers(&context.layers_dir);
        log::other_handlers(&inis, &context.app_dir, config.store);
        log::preflight(preflight(&config, &settings.record));
        log::done(started);
        BuildResultBuilder::new().launch(layer.launch).build()
    }

    fn on_error(&self, error: libcnb::Error<Self::Error>) {
        log::failed(&error);
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
