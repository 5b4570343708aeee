//! The build's log. It goes to stdout like the lifecycle's: on stderr, lines would come out of order, and `pack
//! build >log` would lose them.

mod debug;

use super::decision::{Decision, SessionConfig};
use super::session::SessionSettings;
use crate::app::AppFindings;
use crate::config::environment::Environment;
use crate::config::platform::BuildPlatform;
use crate::config::variables::{DISPLAY_ERRORS, EMBED_CREDENTIALS, FRAMEWORK, SESSION_NAME};
use crate::frameworks::session_use::{OwnSessions, SessionUse};
use crate::launch::build_record::LaunchRecord;
use crate::php::Php;
use crate::php::ini_file::IniFile;
use crate::php::memcached_directives::{USUAL_ITEM, refused_keys};
use crate::plan::Plan;
use crate::store::Store;
use crate::system::command::is_debug;
use crate::system::log_line::{report, report_error};
use crate::system::masked::masked;
use bullet_stream::global::{print, set_writer};
use indoc::formatdoc;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Starts the log; returns the time for [`done`].
#[must_use]
pub fn start() -> Instant {
    set_writer(std::io::stdout());
    print::h2("PHP session store");
    Instant::now()
}

/// Logs what detect and build look at, with `BP_LOG_LEVEL=DEBUG`; `log` takes each line.
pub fn looked_at(app_dir: &Path, platform: &BuildPlatform, log: impl Fn(String)) {
    if is_debug() {
        // An error stops the build, which says so.
        debug::of_services(app_dir, platform).unwrap_or_default().into_iter().for_each(log);
    }
}

/// Logs why there is nothing to do, or what may have been meant.
pub fn nothing_to_do(decision: &Decision) {
    match decision {
        Decision::Skip(reason) => print::bullet(reason),
        Decision::Warn(what) => print::warning(what),
        Decision::Contribute(_) => {}
    }
}

/// Logs where sessions will be kept, and why.
pub fn decision(config: &SessionConfig) {
    print::bullet("Session service");
    print::sub_bullet(format!("{}: {}", config.store.title(), config.reason));
    for warning in &config.warnings {
        print::warning(warning);
    }
}

/// Logs the PHP that was found, and begins the section about its extension.
pub fn php(config: &SessionConfig, php: &Php) {
    print::bullet("PHP");
    print::sub_bullet(format!("Found PHP {} ({})", php.facts().version, php.names()));
    if is_debug() {
        debug::of_php(php).into_iter().for_each(print::sub_bullet);
    }
    print::bullet(format!("{} extension", config.store.title()));
}

/// Logs what was written, now that PHP has been verified to start with it, and what the launch needs.
pub fn session_settings(config: &SessionConfig, settings: &SessionSettings<'_>, php: &Php) {
    print::bullet("Session settings");
    print::sub_bullet(format!(
        "Wrote {}/php-session-store.ini (cookie {}); PHP ({}) gives no new warning with it",
        IniFile::Base.folder(),
        settings.session_name,
        php.names()
    ));
    if let Some(theirs) = &settings.other_session_name {
        print::sub_bullet(format!(
            "An ini file has session.name = {theirs}, which no longer counts ({SESSION_NAME}={theirs} keeps that cookie)"
        ));
    }
    if settings.hide_errors {
        print::sub_bullet(format!(
            "Turned display_errors off, because PHP's warnings show the password ({DISPLAY_ERRORS}=keep leaves it on)"
        ));
    }
    let store = config.store;
    print::sub_bullet(format!(
        "At launch, bind a {} service whose name contains \"{}\" or whose type is {}",
        store.title(),
        masked(&config.search_keys.of(store).text),
        store.binding_type()
    ));
    if let Some(service) = settings.embedded_service {
        print::warning(format!(
            "The credentials of {service} are now in the image ({EMBED_CREDENTIALS}): whoever has the image has them, and a new password needs a new build. A service bound at launch takes precedence."
        ));
    }
}

/// Logs the app's framework, and what it does with sessions as far as its files tell: the launch may have other
/// variables.
pub fn framework(record: &LaunchRecord, app_dir: &Path) {
    let (Some(framework), store) = (&record.framework, record.store) else { return };
    print::bullet("Framework");
    match framework.session_use(app_dir, &Environment::default(), store, None) {
        SessionUse::Php => print::sub_bullet(format!("{framework} uses PHP's own sessions")),
        SessionUse::None => print::sub_bullet(format!(
            "{framework} has no sessions of its own. Code that uses PHP's sessions keeps them in {}",
            store.title()
        )),
        SessionUse::Variables(_) => print::sub_bullet(format!(
            "{framework} has its own sessions. The launch sets {}, which its configuration reads, unless the app's environment already does ({FRAMEWORK}=off leaves it alone)",
            framework.variables(store)
        )),
        SessionUse::Configured(what) => print::sub_bullet(format!("{framework}: {what}")),
        SessionUse::Own(OwnSessions { what, advice }) => print::warning(formatdoc! {"
            {framework} does not keep its sessions in {}: {what}.
            {advice}",
            store.title()
        }),
    }
}

/// Warns about credentials among the app's files: they are in the image, and a web server may serve them.
pub fn secrets_in_app(app: &AppFindings) {
    let kinds = [
        (&app.bindings, "looks like a service binding, so its credentials are"),
        (&app.passwords, "contains the password of the bound service, so it is"),
    ];
    for (paths, what) in kinds {
        for path in paths {
            print::warning(formatdoc! {"
                {} in the app {what} in the image, and a web server may serve it.
                Keep it outside the app, or exclude it: `exclude` in project.toml.",
                path.display()
            });
        }
    }
}

/// Logs what does not fit into Memcached.
pub fn limits(record: &LaunchRecord) {
    if record.store != Store::Memcached {
        return;
    }
    print::sub_bullet(format!(
        "A session has at most {} MB, unless the server's item_size_max says otherwise. A larger one is lost",
        USUAL_ITEM >> 20
    ));
    if let Some(refused) = refused_keys(&Plan::example(record.store), record.sid_length) {
        print::warning(refused.to_string());
    }
}

/// Warns that an ini file names another server for sessions: Paketo's handlers write such files, with the build's password,
/// and an app may have one.
pub fn other_handlers(files: &[PathBuf], app_dir: &Path, store: Store) {
    for file in files {
        if let Ok(file) = file.strip_prefix(app_dir) {
            print::warning(formatdoc! {"
                The app's {} also sets where PHP keeps its sessions. If it contains a password, that is in the image.
                Remove these lines: the buildpack sets session.save_handler and session.save_path.",
                file.display()
            });
            continue;
        }
        print::warning(formatdoc! {"
            {}, from another buildpack, also sets where PHP keeps its sessions. If it contains the password, that is now in the image.
            Remove that buildpack from the order group. Or, if it is Paketo's session handler, give the binding another type, such as {store}, and a name that contains \"{}\".",
            file.display(),
            store.default_search_key()
        });
    }
}

/// Logs what a launch would say about the service bound to the build: its limitations, or why the app will not start.
pub fn preflight(limits: anyhow::Result<Vec<String>>) {
    match limits {
        Ok(limits) => limits.into_iter().for_each(print::sub_bullet),
        Err(error) => print::warning(formatdoc! {"
            The app will not start with the service bound to this build:
            {error:#}"}),
    }
}

/// Ends the log of a build that has succeeded, with the time since it `started`.
pub fn done(started: Instant) {
    print::all_done(&Some(started));
}

/// Logs why the build failed.
pub fn failed(error: &libcnb::Error<anyhow::Error>) {
    match error {
        libcnb::Error::BuildpackError(error) => print::error(report_error(error)),
        framework => print::error(report(framework)),
    }
}
