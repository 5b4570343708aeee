//! The buildpack: detect and build.

use bullet_stream::global::print;
use libcnb::build::{BuildContext, BuildResult, BuildResultBuilder};
use libcnb::detect::{DetectContext, DetectResult, DetectResultBuilder};
use libcnb::{Buildpack, Env, buildpack_main};
use php_session_store::error::{Error, report};
use php_session_store::extension::Request;
use php_session_store::extension::source::Pins;
use php_session_store::intent::{Intent, build_plan};
use php_session_store::layers::extension::contribute_extension_layer;
use php_session_store::layers::session::contribute_session_layer;
use php_session_store::php::Php;
use php_session_store::platform::BuildPlatform;
use std::time::Instant;

struct PhpSessionStore;

impl Buildpack for PhpSessionStore {
    type Platform = BuildPlatform;
    type Metadata = Pins;
    type Error = Error;

    fn detect(&self, context: DetectContext<Self>) -> libcnb::Result<DetectResult, Error> {
        match Intent::read(&context.app_dir, &context.platform) {
            Ok(Intent::Nothing(reason)) => {
                println!("{reason}");
                DetectResultBuilder::fail().build()
            }
            // An error passes as well: here it would only make the lifecycle go on without a
            // buildpack that is optional in its group. The build meets the same error, and stops.
            Ok(Intent::Sessions(_)) | Err(_) => {
                DetectResultBuilder::pass().build_plan(build_plan()).build()
            }
        }
    }

    fn build(&self, context: BuildContext<Self>) -> libcnb::Result<BuildResult, Error> {
        let started = Instant::now();
        print::h2("PHP session store");
        let sessions =
            match Intent::read(&context.app_dir, &context.platform).map_err(Error::from)? {
                Intent::Sessions(sessions) => sessions,
                Intent::Nothing(reason) => {
                    print::bullet(reason);
                    return BuildResultBuilder::new().build();
                }
            };
        print::bullet(format!("Sessions in {}", sessions.store));
        print::sub_bullet(&sessions.reason);
        let env = Env::from_current();
        let php = Php::ask(&env).map_err(Error::from)?;
        print::bullet(format!("PHP {} ({})", php.facts().version, php.names()));
        let extension = contribute_extension_layer(
            &context,
            &Request {
                php: &php,
                env: &env,
                target: &context.target,
                store: sessions.store,
                choice: sessions.settings.extension,
                releases: &context.buildpack_descriptor.metadata.releases,
                mirror: sessions.mirror.as_ref(),
            },
        )?;
        let launch = contribute_session_layer(&context, &sessions, &php, &extension)?;
        print::all_done(&Some(started));
        BuildResultBuilder::new().launch(launch).build()
    }

    fn on_error(&self, error: libcnb::Error<Error>) {
        match error {
            libcnb::Error::BuildpackError(error) => print::error(report(&error)),
            framework => print::error(report(&framework)),
        }
    }
}

buildpack_main!(PhpSessionStore);
