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
    let not = |is: bool| if is { "" } else { "not " };
    let mut lines = vec![
        format!(
            "{}, extension API {}, {}thread-safe, {}debug",
            facts.binary.display(),
            facts.api,
            not(facts.thread_safe),
            not(facts.debug)
        ),
        format!("Extensions in {}", facts.extension_dir.display()),
        format!(
            "php.ini in {}, ini files in {}",
            facts.configuration_dir.display(),
            facts.scan_dir.display()
        ),
    ];
    lines.extend(php.programs().map(of_program));
    let names: Vec<&str> = Variable::of_php().map(Variable::name).collect();
    let names = names.join(", ");
    lines.push(format!(
        "The launch sets some of these variables, depending on the settings: {names}"
    ));
    lines
}

fn of_program(program: &Program) -> String {
    let facts = &program.facts;
    // Some extensions have no version of their own.
    let extensions = facts.extensions.iter().map(|(name, version)| format!("{name} {version}"));
    let extensions = extensions.map(|it| it.trim_end().to_owned()).collect::<Vec<_>>().join(", ");
    format!(
        "{}: {extensions}; {} warnings at startup; session.save_handler {}, session.name {}",
        program.name,
        program.warnings.len(),
        facts.save_handler,
        facts.session_name
    )
}
