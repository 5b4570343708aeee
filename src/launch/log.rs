//! The launch's log: the line that says where sessions are kept, and the warnings. No text here shows a secret.

use super::resolve::ResolvedService;
use super::route::{Reason, Route};
use crate::config::variables::{EMBED_CREDENTIALS, METRICS, MISSING, OPTIONS, PROBE, PROXY};
use crate::diagnosis::Cause;
use crate::frameworks::known::Framework;
use crate::frameworks::session_use::OwnSessions;
use crate::php::PHP_INI_SCAN_DIR;
use std::borrow::Cow;
use std::path::PathBuf;

/// What the launch logs.
#[derive(Debug, thiserror::Error)]
pub(super) enum Line<'a> {
    #[error("{0}{how}", how = how(*.1, .2))]
    Sessions(&'a ResolvedService, Route, &'a Reason),
    #[error(
        "warning: no session service is bound, so PHP uses the credentials embedded in the image ({EMBED_CREDENTIALS}); {0}"
    )]
    EmbeddedCredentials(&'a ResolvedService),
    #[error(
        "warning: no session service is bound and {MISSING} is files: PHP keeps its sessions in local files, which other instances cannot see and a restart loses"
    )]
    LocalFiles,
    #[error(
        "warning: sessions will fail: {MISSING} is warn, and there is no usable service for them:\n{0:#}"
    )]
    NoSessions(anyhow::Error),
    #[error(
        "warning: PHP reads {} after ours, so sessions are kept where that file says. Leave out the buildpack that wrote it: if the file contains a password, that is in the image, whatever the order",
        .0.display()
    )]
    ForeignIni(PathBuf),
    /// The folders are those that PHP read at the build.
    #[error(
        "warning: PHP no longer reads the ini files that it had at the build ({}), which may have loaded the extension: {PHP_INI_SCAN_DIR} was replaced. Append to it instead, as {PHP_INI_SCAN_DIR}=:/folder",
        .0.join(", ")
    )]
    ReplacedScanDirs(&'a [String]),
    #[error("warning: {0}")]
    Warning(Cow<'a, str>),
    #[error(
        "warning: {METRICS} is set, but PHP connects to the server itself, so there is no session proxy to serve metrics. To use it, set {PROXY}=on"
    )]
    NoMetrics,
    /// The smallest managed plans allow 20 or 30 connections. A request that gets none has no session.
    #[error(
        "warning: the server allows {max_clients} connections, and php-fpm has {workers} workers in each replica (pm.max_children): with more than {replicas} of them, requests will find no connection and have no session. Use fewer workers or a bigger plan"
    )]
    TooManyWorkers { workers: u32, max_clients: u32, replicas: u32 },
    /// On the proxy's route, it is a framework that logs in by itself.
    #[error(
        "warning: {} logs in through libsasl2, and the image has none of its plugins, so every login will fail: install them in the run image (Debian: libsasl2-modules){}",
        if *.0 == Route::Direct { "PHP's own handler" } else { "the app's framework" },
        if *.0 == Route::Direct { OR_PROXY } else { "" }
    )]
    NoMechanisms(Route),
    #[error(
        "warning: for now, service {service} cannot keep sessions at {endpoint}. The app starts anyway, because this may pass.\n{1}",
        service = .0.service, endpoint = .0.plan.endpoint
    )]
    FailingForNow(&'a ResolvedService, Cause),
    #[error(
        "warning: no session can be kept at {endpoint}, from service {service}.\n{1}{unused}",
        service = .0.service, endpoint = .0.plan.endpoint, unused = unused(.0)
    )]
    Refused(&'a ResolvedService, Cause),
    /// An error that stops the start.
    #[error(
        "No session can be kept at {endpoint}, from service {service}.\n{1}{unused}\nTo start anyway, set {PROBE}=warn (or {MISSING}=warn, which makes sessions fail at once).",
        service = .0.service, endpoint = .0.plan.endpoint, unused = unused(.0)
    )]
    StoppingRefusal(&'a ResolvedService, Cause),
    /// The error says why the session proxy does not run.
    #[error(
        "warning: PHP connects to the server itself, {drawback}, because the session proxy does not run ({PROXY}=off silences this):\n{1:#}",
        drawback = .0.words().1.unwrap_or_default()
    )]
    WithoutProxy(&'a Reason, anyhow::Error),
    /// The cause says what the server refuses to the session proxy.
    #[error(
        "warning: PHP connects to the server itself, because it keeps sessions for PHP's handler but not for the session proxy ({PROXY}=off silences this):\n{0}"
    )]
    ProxyIsRefused(&'a Cause),
    #[error(
        "warning: PHP's own handler does not lock sessions in a cluster: of concurrent requests of one session, the last one to write wins. The session proxy locks them ({PROXY}=auto). {OPTIONS}=locking=off silences this"
    )]
    NotLocked,
    #[error(
        "warning: the app's framework takes session.save_path for a folder unless its own settings say otherwise, and PHP's own handler needs the password in it: a folder in the app would be named like the path, password included. Set the framework's lines (docs/frameworks.md says which)"
    )]
    PasswordInFolder,
    /// The setting is the app's.
    #[error(
        "PHP connects to the server itself, which is the slower way to this one, because the app sets {0}, which the session proxy cannot follow. To use the proxy, remove that setting; {OPTIONS}=lock_timeout=SECONDS says how long to wait for a session"
    )]
    DirectForSetting(&'a str),
    /// The app's settings of how to wait for a lock.
    #[error(
        "warning: the app sets {0}, which the session proxy cannot follow: a request waits for its session as long as lock_timeout in {OPTIONS} says. {PROXY}=off follows the app's setting"
    )]
    WaitNotFollowed(&'a str),
    /// Any other setting.
    #[error(
        "warning: the app sets {0}, which the session proxy cannot follow: remove it, or sessions may be lost"
    )]
    SettingNotFollowed(&'a str),
    #[error("{0} keeps its sessions there too, as the launch has set {names}", names = .1.join(", "))]
    FrameworkVariables(&'a Framework, Vec<&'static str>),
    #[error("warning: {0} does not keep its sessions there: {what}.\n{advice}", what = .1.what, advice = .1.advice)]
    FrameworkElsewhere(&'a Framework, OwnSessions),
}

const OR_PROXY: &str = ", or let the session proxy log in (BPL_PHP_SESSION_PROXY=auto)";

/// How PHP reaches the service, and why so. Where the session proxy did not start, a line of its own says why.
fn how(route: Route, reason: &Reason) -> String {
    let (why, drawback) = reason.words();
    match (route, why.as_str()) {
        (Route::Direct, "") => String::new(),
        (Route::Direct, _) if drawback.is_some() => String::new(),
        (Route::Direct, why) => format!(", through PHP's own handler ({why})"),
        (Route::Proxy, "") => ", through the session proxy".to_owned(),
        (Route::Proxy, why) => format!(", through the session proxy ({why})"),
    }
}

/// What may have been meant instead, should the login be wrong.
fn unused(ResolvedService { unused, .. }: &ResolvedService) -> String {
    match unused[..] {
        [] => String::new(),
        _ => format!("\nBound and not used: {}.", unused.join(", ")),
    }
}
