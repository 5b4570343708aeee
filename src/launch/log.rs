//! The launch's log: the line that says where sessions are kept, and the warnings. No text here shows a secret.

use super::resolve::ResolvedService;
use super::route::Route;
use crate::config::variables::{EMBED_CREDENTIALS, MISSING, PROBE, PROXY};
use crate::frameworks::known::Framework;
use std::path::Path;

pub(super) fn sessions(found: &ResolvedService, route: Route) -> String {
    match route {
        Route::Direct => found.to_string(),
        Route::Proxy => format!("{found}, through the session proxy"),
    }
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
    format!(
        "warning: sessions will fail: {MISSING} is warn, and there is no usable service for them:\n{error:#}"
    )
}

pub(super) fn foreign_ini(file: &Path) -> String {
    format!(
        "warning: PHP reads {} after ours, and that file sets where sessions are kept. Put the buildpack that wrote it before this one, or leave it out",
        file.display()
    )
}

pub(super) fn limit(limit: &str) -> String {
    format!("warning: {limit}")
}

/// The smallest managed plans allow 20 or 30 connections. A request that gets none has no session.
pub(super) fn too_many_workers(workers: u32, max_clients: u32, replicas: u32) -> String {
    format!(
        "warning: the server allows {max_clients} connections, and php-fpm has {workers} workers in each replica (pm.max_children): with more than {replicas} of them, requests will find no connection and have no session. Use fewer workers or a bigger plan"
    )
}

pub(super) fn no_mechanisms() -> String {
    "warning: the service has a password, but the image lacks libsasl2's plugins to log in with: install libsasl2-modules in the run image, or build again with this service bound".to_owned()
}

pub(super) fn failing_for_now(found: &ResolvedService, problem: &str) -> String {
    let ResolvedService { endpoint, service, .. } = found;
    format!(
        "warning: sessions cannot be kept at {endpoint} for now, from service {service}: {problem}. The app starts anyway, because this may pass"
    )
}

pub(super) fn refused(found: &ResolvedService, problem: &str) -> String {
    let ResolvedService { endpoint, service, .. } = found;
    format!("warning: no session can be kept at {endpoint}, from service {service}.\n{problem}")
}

/// `problem` says why the session proxy does not run.
pub(super) fn without_proxy(problem: &anyhow::Error) -> String {
    format!(
        "warning: PHP connects to Redis itself, with a TLS handshake in each request, because the session proxy does not run ({PROXY}=off silences this):\n{problem:#}"
    )
}

/// The error for a refusal that stops the start.
pub(super) fn stopping_refusal(found: &ResolvedService, problem: &str) -> String {
    let ResolvedService { endpoint, service, .. } = found;
    format!(
        "No session can be kept at {endpoint}, from service {service}.\n{problem}\nTo start anyway, set {PROBE}=warn (or {MISSING}=warn, which makes sessions fail at once)."
    )
}

pub(super) fn framework_variables(framework: &Framework, names: &[&str]) -> String {
    format!("{framework} keeps its sessions there too: set {}", names.join(", "))
}

pub(super) fn framework_elsewhere(framework: &Framework, what: &str, advice: &str) -> String {
    format!("warning: {framework} does not keep its sessions there: {what}.\n{advice}")
}
