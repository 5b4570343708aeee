//! Building an app with the packaged buildpack, and starting instances of it.

use super::Suite;
use super::docker::{Container, both, docker, docker_ok};
use super::http_client::wait_for_answer;
use super::input::BuildInput;
use super::secrets::{assert_build_is_clean, assert_image_is_clean, assert_log_is_clean};
use super::shared;
use libcnb_test::{BuildConfig, PackResult, TestContext, TestRunner};
use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::panic::{self, AssertUnwindSafe};
use std::path::{Path, PathBuf};
use std::process::Output;

/// A text in the app of `samples/counter`.
pub(super) const TEXT_OF_COUNTER: &str = "Counts a visitor's requests in the session";

/// The buildpack as `scripts/package` leaves it.
pub(crate) fn buildpack() -> String {
    let path = root().join("packaged/buildpack");
    assert!(path.is_dir(), "{} is not there: run `make test`, which packages it", path.display());
    path.display().to_string()
}

/// The buildpack's id.
pub(crate) fn buildpack_id() -> String {
    let text = fs::read_to_string(root().join("buildpack.toml")).expect("our own file");
    let descriptor: toml::Table = text.parse().expect("TOML");
    descriptor["buildpack"]["id"].as_str().expect("an id").to_owned()
}

/// Where the images have a layer of the buildpack.
pub(crate) fn layer(name: &str) -> String {
    format!("/layers/{}/{name}", buildpack_id().replace('/', "_"))
}

/// The repository.
pub(crate) fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// What `make setup` leaves beside the tools.
pub(crate) fn of_setup(name: &str) -> PathBuf {
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let cache = cache.or_else(|| std::env::home_dir().map(|home| home.join(".cache")));
    let tools = std::env::var_os("PHP_SESSION_STORE_TOOLS").map(PathBuf::from);
    let tools = tools.or_else(|| cache.map(|cache| cache.join("php-session-store")));
    let path = tools.expect("a home").join(name);
    path.canonicalize()
        .unwrap_or_else(|error| panic!("{}: {error}; run `make setup`", path.display()))
}

/// Makes a temporary folder readable for containers, which run as another user than the test.
pub(crate) fn make_readable(folder: &Path) {
    let permissions = fs::Permissions::from_mode(0o755);
    fs::set_permissions(folder, permissions).expect("our own folder");
}

/// The usual build: the counter sample on one variant of a Debian release.
pub(crate) fn config(suite: Suite, variant: &str) -> BuildInput {
    config_for(Server::Php, suite, variant)
}

/// The sample of a web server, on one variant of a Debian release.
pub(crate) fn config_for(server: Server, suite: Suite, variant: &str) -> BuildInput {
    BuildInput::new(suite, variant, &root().join(server.sample()))
}

/// What serves the app.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Server {
    /// PHP itself.
    Php,
    /// php-fpm behind nginx, under one process manager.
    NginxFpm,
    /// Apache with `mod_php`.
    Apache,
    /// Apache before php-fpm, under one process manager.
    ApacheFpm,
}

impl Server {
    fn sample(self) -> &'static str {
        match self {
            Self::Php => "samples/counter",
            Self::NginxFpm => "samples/nginx-fpm",
            Self::Apache => "samples/apache",
            Self::ApacheFpm => "tests/apps/apache-fpm",
        }
    }

    fn command(self) -> &'static [&'static str] {
        match self {
            Self::Php => &["php", "-S", "0.0.0.0:8080"],
            Self::NginxFpm => &["supervisord", "-c", "/workspace/supervisord.conf"],
            Self::Apache => &["apache2", "-D", "FOREGROUND", "-f", "/workspace/httpd.conf"],
            Self::ApacheFpm => &["supervisord", "-c", "/workspace/supervisord-apache.conf"],
        }
    }
}

/// An image of the app.
#[derive(Clone)]
pub(crate) struct App {
    pub(crate) image: String,
    /// What the build printed.
    pub(crate) log: String,
    pub(super) server: Server,
}

/// Goes on with the app, which is built once for all tests that ask for the same; its image and log are searched for
/// passwords.
pub(crate) fn build(input: &BuildInput, test: impl FnOnce(&App)) {
    test(&shared::app(input));
}

/// Builds the app anew, for tests that do more with libcnb-test's context: build again, read the SBOM.
pub(crate) fn build_and_keep(input: &BuildInput, test: impl FnOnce(TestContext, App)) {
    pack_build(&input.config(), |context| {
        let app = app_of(&context);
        test(context, app);
    });
}

/// Builds what must not succeed, and gives what the build printed.
pub(crate) fn build_fails(input: &BuildInput) -> String {
    let mut log = String::new();
    let mut config = input.config();
    config.expected_pack_result(PackResult::Failure);
    pack_build(&config, |context| log = log_of(&context));
    assert_log_is_clean("build log", &log);
    log
}

/// Runs pack, and once more where the engine hung up on it or on the lifecycle: that says nothing about the buildpack. CI
/// has seen it once in hundreds of builds (`Get "http://…docker.sock/v1.41/version": EOF`, at the export of a build that was done).
fn pack_build(config: &BuildConfig, test: impl FnOnce(TestContext)) {
    let mut test = Some(test);
    let tried = panic::catch_unwind(AssertUnwindSafe(|| {
        TestRunner::default().build(config, |context| {
            if !engine_hung_up(&log_of(&context)) {
                test.take().expect("libcnb-test runs it once")(context);
            }
        });
    }));
    let Some(test) = test else {
        return tried.unwrap_or_else(|failure| panic::resume_unwind(failure));
    };
    if let Err(failure) = tried
        && !failure.downcast_ref::<String>().is_some_and(|message| engine_hung_up(message))
    {
        panic::resume_unwind(failure);
    }
    eprintln!("the engine hung up on this build; building again");
    docker_ok(&["version"]);
    TestRunner::default().build(config, test);
}

/// Whether pack failed as the engine closed the connection, by what pack or the lifecycle printed.
pub(super) fn engine_hung_up(log: &str) -> bool {
    log.lines().any(|line| line.contains("error during connect") && line.ends_with(": EOF"))
}

fn log_of(context: &TestContext) -> String {
    bullet_stream::strip_ansi(format!("{}{}", context.pack_stdout, context.pack_stderr))
}

/// The app that a build has made; asserts that neither the log nor the image holds a password.
pub(crate) fn app_of(context: &TestContext) -> App {
    let log = log_of(context);
    let image =
        log.split("Successfully built image '").nth(1).and_then(|rest| rest.split('\'').next());
    let image = image.unwrap_or_else(|| panic!("no image in the log:\n{log}")).to_owned();
    assert_log_is_clean("build log", &log);
    // As libcnb-test names them.
    let caches = ["build", "launch"].map(|cache| format!("{image}.{cache}-cache"));
    assert_build_is_clean(&image, &caches, TEXT_OF_COUNTER);
    App { image, log, server: Server::Php }
}

impl App {
    /// An image that something else than pack has made; asserts that neither it nor the log holds a password.
    pub(crate) fn of(image: &str, log: String) -> Self {
        assert_log_is_clean("build log", &log);
        assert_image_is_clean(image, TEXT_OF_COUNTER);
        Self { image: image.to_owned(), log, server: Server::Php }
    }

    /// The same app under another name of its image.
    pub(crate) fn tagged(self, name: String) -> Self {
        docker_ok(&["tag", &self.image, &name]);
        Self { image: name, ..self }
    }

    /// The same app, started with another server; it must be the one whose sample was built.
    pub(crate) fn served_by(&self, server: Server) -> Self {
        Self { server, ..self.clone() }
    }

    /// Starts an instance that serves the app.
    pub(crate) fn start(&self, options: &[&str]) -> Instance {
        self.start_command(options, self.server.command())
    }

    /// Starts an instance with a command that serves the app.
    pub(crate) fn start_command(&self, options: &[&str], command: &[&str]) -> Instance {
        let mut all = vec!["--entrypoint", "launcher"];
        all.extend(options);
        let container = Container::start(&all, &self.image, command);
        let instance = Instance { container, network: None, server: self.server };
        instance.wait();
        instance
    }

    /// Starts an instance in the network of another container.
    pub(crate) fn start_in(&self, network: Container, options: &[&str]) -> Instance {
        let shared = format!("container:{}", network.name);
        let all = [&["--network", &shared, "--entrypoint", "launcher"], options].concat();
        let container = Container::start(&all, &self.image, self.server.command());
        let instance = Instance { container, network: Some(network), server: self.server };
        instance.wait();
        instance
    }

    /// Runs the check in a new container; gives whether sessions are kept, and what was printed.
    pub(crate) fn check(&self, options: &[&str]) -> (bool, String) {
        let output = self.output("session-check", options, &[]);
        (output.status.success(), both(&output))
    }

    /// Runs a command in a new container; gives whether it succeeded, and what was printed.
    pub(crate) fn run(&self, options: &[&str], command: &[&str]) -> (bool, String) {
        let output = self.output("launcher", options, command);
        (output.status.success(), both(&output))
    }

    /// Runs a process of the image in a new container, and gives what came of it.
    pub(crate) fn output(&self, process: &str, options: &[&str], arguments: &[&str]) -> Output {
        let run = [&["run", "--rm", "--entrypoint", process], options, &[&self.image], arguments];
        let output = docker(&run.concat());
        assert_log_is_clean("container log", &both(&output));
        output
    }
}

/// A running instance of the app.
pub(crate) struct Instance {
    pub(crate) container: Container,
    /// The container whose network it has, if that is another.
    network: Option<Container>,
    server: Server,
}

impl Instance {
    /// Stops and starts the container, which runs the launch again.
    pub(crate) fn restart(&self) {
        docker_ok(&["stop", "--time", "1", &self.container.name]);
        self.container.start_again();
        self.wait();
    }

    /// Waits until it answers.
    pub(crate) fn wait(&self) {
        self.network().wait_for_port(8080);
        if matches!(self.server, Server::NginxFpm | Server::ApacheFpm) {
            // No app has this page, so no session comes of it.
            wait_for_answer(self.address(), "/nothing.php");
        }
    }

    /// Where visitors reach it.
    pub(crate) fn address(&self) -> SocketAddr {
        self.network().address(8080)
    }

    fn network(&self) -> &Container {
        self.network.as_ref().unwrap_or(&self.container)
    }
}

/// The log of an instance must not show a password, whatever the test did with it; where the test
/// has failed, the log may say why.
impl Drop for Instance {
    fn drop(&mut self) {
        let log = self.container.logs();
        if std::thread::panicking() {
            eprintln!("the log of {}:\n{log}", self.container.name);
        } else {
            assert_log_is_clean("container log", &log);
        }
    }
}
