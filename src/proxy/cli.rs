//! The program `session-proxy`.

use super::life::{Lifeline, UntilTold};
use super::supervisor::{inherit, supervise};
use crate::config::environment::Environment;
use crate::config::launch::LaunchSettings;
use crate::config::platform::LAUNCH_PLATFORM_DIR;
use crate::config::variables::PROXY_FOLDER;
use crate::endpoint::Endpoint;
use crate::launch::build_record::{layer_of_program, read_record};
use crate::launch::resolve::{ResolvedService, resolve};
use crate::launch::socket_folder::Place;
use crate::launch::topology::Told;
use crate::php::directives::socket_of;
use crate::plan::Plan;
use crate::variable::Variable;
use anyhow::{Context, bail};
use indoc::indoc;
use nix::sys::signal::Signal;
use session_proxy::{Access, ProxyClient, Settings, Worker, block, finish, log};
use std::io::{Write, stdin, stdout};
use std::os::fd::AsFd;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::ExitCode;

const USAGE: &str = indoc! {"
    Usage: session-proxy
           session-proxy status [--json]

    Runs the session proxy as a separate process beside the app: BPL_PHP_SESSION_PROXY_FOLDER names the
    folder that both share. Otherwise the launch starts it, if BPL_PHP_SESSION_PROXY says so.

      status  shows the state of this container's session proxy"};

/// Runs the program.
#[must_use]
pub fn run() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let done = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["supervise", folder] => supervise(&Place(folder.into())),
        ["supervise", folder, "inherit"] => inherit(&Place(folder.into())),
        ["work", folder] => work(&Place(folder.into())),
        [] => foreground(),
        ["status"] => status(false),
        ["status", "--json"] => status(true),
        ["--help" | "-h"] => {
            println!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    if let Err(error) = &done {
        log(format_args!("{error:#}"));
    }
    finish();
    if done.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The worker has the socket as its standard input, and the connection to its supervisor as its standard output.
fn work(place: &Place) -> anyhow::Result<()> {
    // It lives on while a stopping app still writes, as the supervisor does.
    block(&[Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP])?;
    let listener = UnixListener::from(stdin().as_fd().try_clone_to_owned()?);
    let supervisor = stdout().as_fd().try_clone_to_owned()?;
    let environment = Environment::current();
    let settings = LaunchSettings::read(&environment)?;
    let worker = worker(place, environment, settings)?;
    worker.serve(&listener, Lifeline::new(supervisor, place.clone()))
}

/// Runs in the foreground, for platforms that start, restart and stop it themselves. On SIGTERM it waits until
/// PHP's connections are gone, because a stopping app still writes; the platform limits the wait.
fn foreground() -> anyhow::Result<()> {
    let told = block(&[Signal::SIGTERM, Signal::SIGINT])?;
    let environment = Environment::current();
    let settings = LaunchSettings::read(&environment)?;
    let folder = settings.proxy_folder.clone().with_context(|| {
        format!(
            "{PROXY_FOLDER} is not set. Set it to the folder that this process shares with the app"
        )
    })?;
    let place = Place::shared(&folder);
    place.prepare().with_context(|| format!("{} is of no use", place.folder().display()))?;
    let lock = place.lock().context("The session proxy's lock cannot be written")?;
    let Some(_lock) = lock else {
        bail!("Another session proxy is using {}", place.folder().display());
    };
    let worker = worker(&place, environment, settings)?;
    let listener = place.listen().context("The session proxy's socket cannot be made")?;
    log(format_args!("ready at {}", place.socket().display()));
    worker.serve(&listener, UntilTold(told))
}

fn worker(
    place: &Place,
    environment: Environment,
    launch: LaunchSettings,
) -> anyhow::Result<Worker> {
    let layer = layer_of_program()?;
    let (most_connections, metrics) = (launch.proxy_connections, launch.metrics.clone());
    let found = move |told: Option<&Told>| {
        let record = read_record(&layer)?;
        let platform_dir = Path::new(LAUNCH_PLATFORM_DIR);
        resolve(&environment, platform_dir, &layer, &record, &launch, told)?
            .context("No session service is bound")
    };
    let ResolvedService { plan, told, .. } = found(None)?;
    let settings = Settings {
        container: place.identity()?,
        prefix: plan.prefix,
        locking: plan.locking,
        waits: plan.waits,
        waits_in_cluster: plan.waits_in_cluster,
        connect_timeout: plan.connect_timeout,
        read_timeout: plan.proxy_read_timeout,
        wait_replicas: plan.wait_replicas,
        most_connections,
        metrics,
    };
    let now = move || {
        let Plan { endpoint, verify_peer, .. } = found(told.as_ref())?.plan;
        anyhow::Ok((endpoint, verify_peer))
    };
    match plan.endpoint {
        Endpoint::Redis(_) => Worker::new(
            settings,
            Box::new(move || match now()? {
                (Endpoint::Redis(endpoint), verify_peer) => Ok(Access { endpoint, verify_peer }),
                (other, _) => bail!("The session service is another one, at {other}"),
            }),
        ),
        Endpoint::Memcached(_) => Worker::before_memcached(
            settings,
            Box::new(move || match now()? {
                (Endpoint::Memcached(endpoint), verify_peer) => {
                    Ok(Access { endpoint, verify_peer })
                }
                (other, _) => bail!("The session service is another one, at {other}"),
            }),
        ),
    }
}

fn status(json: bool) -> anyhow::Result<()> {
    let environment = Environment::current();
    let path = environment.text(Variable::SavePath.name())?.unwrap_or_default();
    let Some(socket) = socket_of(path) else { bail!("PHP does not use a session proxy here") };
    let status = ProxyClient::new(Path::new(socket)).status();
    let status = status.with_context(|| format!("No session proxy answers at {socket}"))?;
    let text = if json { status.json() } else { status.to_string() };
    Ok(writeln!(stdout(), "{text}")?)
}
