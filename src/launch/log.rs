//! The launch's log: the line that says where sessions are kept, and the warnings. No text here shows a secret.

use super::resolve::ResolvedService;
use super::route::{Reason, Route};
use crate::config::variables::{EMBED_CREDENTIALS, METRICS, MISSING, OPTIONS, PROBE, PROXY};
use crate::diagnosis::Cause;
use crate::frameworks::known::Framework;
use crate::php::PHP_INI_SCAN_DIR;
use crate::plan::Plan;
use indoc::formatdoc;
use std::path::Path;
use std::time::Duration;

pub(super) fn sessions(found: &ResolvedService, route: Route, reason: &Reason) -> String {
    match (route, reason) {
        (Route::Direct, _) => found.to_string(),
        (Route::Proxy, Reason::Distance(reply)) => {
            format!("{found}, through the session proxy ({})", takes(*reply))
        }
        (Route::Proxy, Reason::Cluster) => {
            format!("{found}, through the session proxy (the server is part of a cluster)")
        }
        (Route::Proxy, _) => format!("{found}, through the session proxy"),
    }
}

fn takes(reply: Duration) -> String {
    format!("a reply takes {:.1} ms", reply.as_secs_f64() * 1e3)
}

pub(super) fn embedded_credentials(found: &ResolvedService) -> String {
    format!(
        "warning: no session service is bound, so PHP uses the credentials embedded in the image ({EMBED_CREDENTIALS}); {found}"
    )
}

pub(super) fn local_files() -> String {
    format!(
        "warning: no session service is bound and {MISSING} is files: PHP keeps its sessions in local files, which other instances cannot see and a restart loses"
    )
}

pub(super) fn no_sessions(error: &anyhow::Error) -> String {
    formatdoc! {"
        warning: sessions will fail: {MISSING} is warn, and there is no usable service for them:
        {error:#}"}
}

pub(super) fn foreign_ini(file: &Path) -> String {
    format!(
        "warning: PHP reads {} after ours, so sessions are kept where that file says. Leave out the buildpack that wrote it: if the file contains a password, that is in the image, whatever the order",
        file.display()
    )
}

/// `folders` are those that PHP read at the build.
pub(super) fn replaced_scan_dirs(folders: &[String]) -> Option<String> {
    let folders = (!folders.is_empty()).then(|| folders.join(", "))?;
    Some(format!(
        "warning: PHP no longer reads the ini files that it had at the build ({folders}), which may have loaded the extension: {PHP_INI_SCAN_DIR} was replaced. Append to it instead, as {PHP_INI_SCAN_DIR}=:/folder"
    ))
}

pub(super) fn warning(what: &str) -> String {
    format!("warning: {what}")
}

pub(super) fn tls_needs_proxy() -> String {
    format!(
        "The service accepts only TLS connections, and PHP's memcached extension does not support TLS.\nSet {PROXY}=auto: the session proxy does. Or bind a service without TLS."
    )
}

pub(super) fn no_metrics() -> String {
    format!(
        "warning: {METRICS} is set, but PHP connects to the server itself, so there is no session proxy to serve metrics. To use it, set {PROXY}=on"
    )
}

/// The smallest managed plans allow 20 or 30 connections. A request that gets none has no session.
pub(super) fn too_many_workers(workers: u32, max_clients: u32, replicas: u32) -> String {
    format!(
        "warning: the server allows {max_clients} connections, and php-fpm has {workers} workers in each replica (pm.max_children): with more than {replicas} of them, requests will find no connection and have no session. Use fewer workers or a bigger plan"
    )
}

/// On the proxy's route, it is a framework that logs in by itself.
pub(super) fn no_mechanisms(route: Route) -> String {
    let (who, or) = match route {
        Route::Direct => (
            "PHP's own handler",
            format!(
                ", or let the session proxy log in ({PROXY}=auto, with version 3 of PHP's extension)"
            ),
        ),
        Route::Proxy => ("the app's framework", String::new()),
    };
    format!(
        "warning: {who} logs in through libsasl2, and the image has none of its plugins, so every login will fail: install them in the run image (Debian: libsasl2-modules){or}"
    )
}

pub(super) fn failing_for_now(found: &ResolvedService, cause: &Cause) -> String {
    let ResolvedService { plan: Plan { endpoint, .. }, service, .. } = found;
    format!(
        "warning: for now, service {service} cannot keep sessions at {endpoint}. The app starts anyway, because this may pass.\n{cause}"
    )
}

pub(super) fn refused(found: &ResolvedService, cause: &Cause) -> String {
    let ResolvedService { plan: Plan { endpoint, .. }, service, .. } = found;
    let unused = not_used(found);
    formatdoc! {"
        warning: no session can be kept at {endpoint}, from service {service}.
        {cause}{unused}"}
}

/// `problem` says why the session proxy does not run.
pub(super) fn without_proxy(reason: &Reason, problem: &anyhow::Error) -> String {
    let slow = match reason {
        Reason::Distance(reply) => format!("which is slow, as {}", takes(*reply)),
        Reason::Locks => "without locks".to_owned(),
        _ => "with a TLS handshake in each request".to_owned(),
    };
    formatdoc! {"
        warning: PHP connects to the server itself, {slow}, because the session proxy does not run ({PROXY}=off silences this):
        {problem:#}"}
}

/// `cause` says what the server refuses to the session proxy.
pub(super) fn proxy_is_refused(cause: &Cause) -> String {
    formatdoc! {"
        warning: PHP connects to the server itself, because it keeps sessions for PHP's handler but not for the session proxy ({PROXY}=off silences this):
        {cause}"}
}

pub(super) fn not_locked() -> String {
    format!(
        "warning: PHP's own handler does not lock sessions in a cluster: of concurrent requests of one session, the last one to write wins. The session proxy locks them ({PROXY}=auto). {OPTIONS}=locking=off silences this"
    )
}

pub(super) fn password_in_folder() -> String {
    "warning: the app's framework takes session.save_path for a folder unless its own settings say otherwise, and PHP's own handler needs the password in it: a folder in the app would be named like the path, password included. Set the framework's lines (docs/frameworks.md says which)".to_owned()
}

/// `setting` is the app's.
pub(super) fn direct_for_setting(setting: &str) -> String {
    format!(
        "PHP connects to Redis itself, with a TLS handshake in each request, because the app sets {setting}, which the session proxy cannot follow. To use the proxy, remove that setting, and set how long to wait with {OPTIONS}=lock_timeout=SECONDS"
    )
}

/// `setting` is the app's.
pub(super) fn setting_not_followed(setting: &str) -> String {
    let is_wait = setting.split(' ').next().is_some_and(|name| name.contains("lock_"));
    let instead = if is_wait {
        format!(
            "a request waits for its session as long as lock_timeout in {OPTIONS} says. {PROXY}=off follows the app's setting"
        )
    } else {
        "remove it, or sessions may be lost".to_owned()
    };
    format!("warning: the app sets {setting}, which the session proxy cannot follow: {instead}")
}

/// The error for a refusal that stops the start.
pub(super) fn stopping_refusal(found: &ResolvedService, cause: &Cause) -> String {
    let ResolvedService { plan: Plan { endpoint, .. }, service, .. } = found;
    let unused = not_used(found);
    formatdoc! {"
        No session can be kept at {endpoint}, from service {service}.
        {cause}{unused}
        To start anyway, set {PROBE}=warn (or {MISSING}=warn, which makes sessions fail at once)."}
}

/// What may have been meant instead, should the login be wrong.
fn not_used(ResolvedService { unused, .. }: &ResolvedService) -> String {
    if unused.is_empty() {
        return String::new();
    }
    format!("\nBound and not used: {}.", unused.join(", "))
}

pub(super) fn framework_variables(framework: &Framework, names: &[&str]) -> String {
    format!("{framework} keeps its sessions there too, as the launch has set {}", names.join(", "))
}

pub(super) fn framework_elsewhere(framework: &Framework, what: &str, advice: &str) -> String {
    formatdoc! {"
        warning: {framework} does not keep its sessions there: {what}.
        {advice}"}
}
