//! A build by `pack` itself, for what libcnb-test cannot do: volumes, networks, packaged groups.

use super::Suite;
use super::app::{App, Server, TEXT_OF_COUNTER, buildpack, engine_hung_up};
use super::docker::{both, docker, docker_ok, unique_name};
use super::secrets::{assert_build_is_clean, assert_log_is_clean};
use std::cell::Cell;
use std::path::Path;
use std::process::Command;

/// An image, and the caches that it was built with; dropping it removes them.
pub(crate) struct PackBuild {
    app: App,
    succeeded: bool,
    arguments: Vec<String>,
    /// Whether the image was searched for passwords.
    searched: Cell<bool>,
}

impl PackBuild {
    /// Builds the app in `app_dir` with `pack build` and further options.
    pub(crate) fn run(suite: Suite, variant: &str, app_dir: &Path, options: &[&str]) -> Self {
        Self::with(&[&buildpack()], suite, variant, app_dir, options)
    }

    /// As [`Self::run`], with other buildpacks than ours alone.
    pub(crate) fn with(
        buildpacks: &[&str],
        suite: Suite,
        variant: &str,
        app_dir: &Path,
        options: &[&str],
    ) -> Self {
        let image = unique_name("app");
        let mut arguments = vec!["build".to_owned(), image.clone()];
        let mut add = |option: &str, value: String| arguments.extend([option.to_owned(), value]);
        add("--builder", suite.builder(variant));
        add("--path", app_dir.display().to_string());
        add("--cache", format!("type=build;format=volume;name={image}.build"));
        add("--cache", format!("type=launch;format=volume;name={image}.launch"));
        add("--pull-policy", "if-not-present".to_owned());
        for buildpack in buildpacks {
            add("--buildpack", (*buildpack).to_owned());
        }
        arguments.extend(["--trust-builder", "--trust-extra-buildpacks"].map(str::to_owned));
        let app = App { image, log: String::new(), server: Server::Php };
        let searched = Cell::new(false);
        let mut build = Self { app, succeeded: false, arguments, searched };
        build.again(options);
        build
    }

    /// Builds once more, with what the build before has cached.
    pub(crate) fn again(&mut self, options: &[&str]) {
        let pack = || {
            let mut pack = Command::new("pack");
            let output = pack.args(&self.arguments).args(options).output();
            let output = output.expect("pack is on the PATH: run `make test`, which sets it up");
            (output.status.success(), bullet_stream::strip_ansi(both(&output)))
        };
        (self.succeeded, self.app.log) = pack();
        if engine_hung_up(&self.app.log) {
            docker_ok(&["version"]);
            (self.succeeded, self.app.log) = pack();
        }
        self.searched.set(false);
        assert_log_is_clean("build log", &self.app.log);
    }

    /// The app, if the build succeeded; its image is searched for passwords.
    pub(crate) fn app(&self) -> &App {
        let app = self.app_with_credentials();
        if !self.searched.replace(true) {
            let caches = ["build", "launch"].map(|cache| format!("{}.{cache}", app.image));
            assert_build_is_clean(&app.image, &caches, TEXT_OF_COUNTER);
        }
        app
    }

    /// The app, if the build succeeded, where the image may hold a password.
    pub(crate) fn app_with_credentials(&self) -> &App {
        assert!(self.succeeded, "the build failed:\n{}", self.app.log);
        &self.app
    }

    /// What was printed by a build that must have failed.
    pub(crate) fn failed_log(&self) -> &str {
        assert!(!self.succeeded, "the build succeeded:\n{}", self.app.log);
        &self.app.log
    }
}

impl Drop for PackBuild {
    fn drop(&mut self) {
        let image = &self.app.image;
        docker(&["rmi", "--force", image]);
        docker(&["volume", "rm", "--force", &format!("{image}.build"), &format!("{image}.launch")]);
    }
}
