//! What `BP_LOG_LEVEL=DEBUG` adds: names and paths that we looked at, and no value that may be secret.

use crate::app::AppOptions;
use crate::config::environment::Environment;
use crate::config::platform::BuildPlatform;
use crate::php::{Php, Program};
use crate::services::Services;
use crate::services::matching::rule_by_rule;
use crate::services::search_keys::SearchKeys;
use crate::variable::Variable;
use libcnb::Platform;
use std::path::Path;

/// The extensions that matter for sessions.
const EXTENSIONS: [&str; 8] =
    ["redis", "memcached", "igbinary", "msgpack", "session", "openssl", "zend opcache", "xdebug"];

/// Where we looked for services, and what each rule found. If anything cannot be read, the error that follows says so.
pub(super) fn of_services(app_dir: &Path, platform: &BuildPlatform) -> anyhow::Result<Vec<String>> {
    let environment = Environment::with_platform(platform.env());
    let services = Services::read(&environment, platform.directory())?;
    let keys = SearchKeys::determine(&environment, &AppOptions::read(app_dir)?)?;
    let variables =
        ["BP_PHP_", "BPL_PHP_"].map(|prefix| environment.names_with_prefix(prefix)).concat();
    let variables = if variables.is_empty() { "none".to_owned() } else { variables.join(", ") };
    let mut lines = vec![format!("Looked in {services}"), format!("Variables set: {variables}")];
    lines.extend(rule_by_rule(&services, &keys));
    Ok(lines)
}

pub(super) fn of_php(php: &Php) -> Vec<String> {
    let facts = php.facts();
    let builds = [(facts.thread_safe, "thread-safe"), (facts.debug, "debug")];
    let builds =
        builds.map(|(is, name)| format!("{}{name}", if is { "" } else { "not " })).join(", ");
    let mut lines = vec![
        format!("{}, extension API {}, {builds}", facts.binary.display(), facts.api),
        format!("Extensions in {}", facts.extension_dir.display()),
        format!(
            "php.ini in {}, ini files in {}",
            facts.configuration_dir.display(),
            facts.scan_dir.display()
        ),
    ];
    lines.extend(php.programs().map(of_program));
    lines
}

fn of_program(program: &Program) -> String {
    let facts = &program.facts;
    let extensions = EXTENSIONS.iter().filter_map(|name| {
        let version = facts.extensions.get(*name)?;
        Some(if version.is_empty() { (*name).to_owned() } else { format!("{name} {version}") })
    });
    let extensions = extensions.collect::<Vec<_>>().join(", ");
    format!(
        "{}: {extensions}; {} warnings at startup; session.save_handler {}, session.name {}",
        program.name,
        program.warnings.len(),
        facts.save_handler,
        facts.session_name
    )
}

pub(super) fn of_launch() -> String {
    let names = Variable::OF_PHP.iter().map(|it| it.name()).collect::<Vec<_>>().join(", ");
    format!("The launch sets some of these variables, depending on the settings: {names}")
}
