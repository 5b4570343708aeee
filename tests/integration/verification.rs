//! PHP is verified once: a build with nothing changed runs it only to see what it is. Whatever changes that may matter,
//! or cannot be known, has it verified again.

use crate::support::app::{PackBuild, buildpack, make_readable, root};
use crate::support::docker::{Container, docker, docker_ok, unique_name};
use crate::support::layout::Layout;
use crate::support::{BOOKWORM, Suite, TRIXIE, on_both};
use php_session_store::store::Store;
use std::fs;
use std::path::Path;
use tempfile::TempDir;

const VERIFIED: &str = "gives no new warning with it";
const VERIFIED_BEFORE: &str =
    "gave no new warning with it in the last build, and nothing has changed since";

/// An app whose folder `conf` PHP reads ini files from, after a `php` that counts its runs.
struct Rebuilds {
    app_dir: TempDir,
    build: PackBuild,
    /// How many programs PHP has: cli, fpm …
    programs: usize,
}

const OPTIONS: [&str; 4] =
    ["--env", "BP_PHP_SESSION_STORE=redis", "--env", "PHP_INI_SCAN_DIR=:/workspace/conf"];

impl Rebuilds {
    /// The first build, which verifies PHP.
    fn start(suite: Suite, variant: &str, programs: usize) -> Self {
        let app_dir = tempfile::tempdir().unwrap();
        make_readable(app_dir.path());
        let page = root().join("samples/counter/index.php");
        fs::copy(page, app_dir.path().join("index.php")).unwrap();
        fs::create_dir(app_dir.path().join("conf")).unwrap();
        write_ini(app_dir.path(), "memory_limit = 64M\n");
        let counter = root().join("tests/buildpacks/php-that-counts").display().to_string();
        let buildpacks = [counter.as_str(), &buildpack()];
        let build = PackBuild::with(&buildpacks, suite, variant, app_dir.path(), &OPTIONS);
        let rebuilds = Self { app_dir, build, programs };
        rebuilds.assert_verified();
        rebuilds
    }

    fn again(&mut self, options: &[&str]) -> &Self {
        self.build.again(&[&OPTIONS, options].concat());
        self
    }

    fn write_ini(&self, text: &str) {
        write_ini(self.app_dir.path(), text);
    }

    /// Each program ran as it is, with our settings, and with every ini file that a launch may add.
    fn assert_verified(&self) {
        self.assert_runs(3, VERIFIED);
    }

    /// Each program ran as it is.
    fn assert_verified_before(&self) {
        self.assert_runs(1, VERIFIED_BEFORE);
    }

    fn assert_runs(&self, of_each: usize, said: &str) {
        let app = self.build.app();
        let output = app.output("cat", &[], &["/layers/php-that-counts/counter/runs"]);
        let runs = String::from_utf8(output.stdout).unwrap().lines().count();
        assert_eq!(runs, of_each * self.programs, "{}", app.log);
        assert!(app.log.contains(said), "{}", app.log);
    }
}

fn write_ini(app_dir: &Path, text: &str) {
    fs::write(app_dir.join("conf/app.ini"), text).unwrap();
}

#[test]
fn php_is_verified_again_if_the_app_changes_its_settings() {
    let mut rebuilds = Rebuilds::start(TRIXIE, "web", 4);
    rebuilds.again(&[]).assert_verified_before();
    rebuilds.write_ini("memory_limit = 65M\n");
    rebuilds.again(&[]).assert_verified();
    rebuilds.again(&[]).assert_verified_before();
    let name = ["--env", "BP_PHP_SESSION_NAME=SHOP"];
    rebuilds.again(&name).assert_verified();
    rebuilds.again(&name).assert_verified_before();
    let folders = [&name[..], &["--env", "PHP_INI_SCAN_DIR=:/workspace/conf:/workspace"]].concat();
    rebuilds.again(&folders).assert_verified();
}

#[test]
fn php_is_verified_again_with_other_packages_and_without_the_last_build() {
    let mut rebuilds = Rebuilds::start(BOOKWORM, "full", 1);
    rebuilds.again(&[]).assert_verified_before();

    let builder = unique_name("other-packages");
    let container = Container::start(&["--user", "0"], &BOOKWORM.builder("full"), &["sleep", "60"]);
    container.exec(&["sh", "-c", "printf '\nPackage: x\nVersion: 1\n' >>/var/lib/dpkg/status"]);
    let usual = ["--change", "USER 1000:1000", "--change", "CMD []"];
    docker_ok(&[&["commit"], &usual[..], &[&container.name, &builder]].concat());
    let other = ["--builder", builder.as_str()];
    rebuilds.again(&other).assert_verified();
    rebuilds.again(&other).assert_verified_before();
    docker(&["rmi", &builder]);

    // A build that fails changes nothing.
    rebuilds.again(&[]).assert_verified();
    rebuilds.again(&["--env", "BP_PHP_SESSION_STORE=disk"]).build.failed_log();
    rebuilds.again(&[]).assert_verified_before();

    rebuilds.again(&["--clear-cache"]).assert_verified();
    rebuilds.again(&[]).assert_verified_before();
    docker_ok(&["rmi", "--force", &rebuilds.build.app().image]);
    rebuilds.again(&[]).assert_verified();
}

/// Not even a checksum of a password gets into an image.
#[test]
fn php_is_verified_each_time_if_an_ini_file_may_hold_a_credential() {
    let mut rebuilds = Rebuilds::start(BOOKWORM, "full", 1);
    rebuilds.write_ini("mysqli.default_pw = dBTeqm5\n");
    rebuilds.again(&[]).assert_verified();
    rebuilds.again(&[]).assert_verified();
}

/// Each build makes the layer anew, with files of another time.
#[test]
fn php_in_a_layer_is_known_by_its_bytes() {
    for (layout, store) in [(Layout::Paketo, Store::Redis), (Layout::Heroku, Store::Memcached)] {
        let mut build = layout.build(&root().join("samples/counter"), store, &[]);
        assert!(build.app().log.contains(VERIFIED), "{}", build.app().log);
        let options = Layout::options(store);
        build.again(&options.iter().map(String::as_str).collect::<Vec<_>>());
        assert!(build.app().log.contains(VERIFIED_BEFORE), "{}", build.app().log);
    }
}

/// The fingerprint is the same in each container, whatever is loaded.
fn every_extension_of_the_distribution_can_be_loaded(suite: Suite) {
    let app_dir = root().join("samples/counter");
    let options = ["--env", "BP_PHP_SESSION_STORE=memcached"];
    let mut build = PackBuild::run(suite, "everything", &app_dir, &options);
    assert!(build.app().log.contains(VERIFIED), "{}", build.app().log);
    build.again(&options);
    assert!(build.app().log.contains(VERIFIED_BEFORE), "{}", build.app().log);
}

on_both! {
    every_extension_of_the_distribution_can_be_loaded;
}
