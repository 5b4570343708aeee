//! The verification: PHP itself starts with the ini files, without a new warning, and uses their settings.

use super::layer::SessionLayer;
use super::settings::SessionSettings;
use crate::config::environment::Environment;
use crate::launch::build_record::LaunchRecord;
use crate::php::directives::connect;
use crate::php::ini_file::IniFile;
use crate::php::tls::TlsFiles;
use crate::php::{PHP_INI_SCAN_DIR, Php};
use crate::plan::Plan;
use crate::store::Store;
use crate::system::masked::masked;
use crate::variable::Variable;
use anyhow::ensure;
use indoc::formatdoc;
use libcnb::Env;
use std::path::Path;
use std::time::Duration;

/// Runs each of PHP's programs as a launch does, with an example endpoint and every ini file that a launch may use.
///
/// # Errors
/// Fails if PHP warns or does not apply the settings.
pub fn verify(
    before: &Php,
    layer: &SessionLayer,
    settings: &SessionSettings<'_>,
) -> anyhow::Result<()> {
    let LaunchRecord { store, extension_version, .. } = &settings.record;
    let (plan, files) = (Plan::example(*store), TlsFiles::default());
    let php_settings = connect(&plan, &files, extension_version, Duration::ZERO)?;
    let mut env = layer.launch_env.clone();
    for (variable, value) in php_settings.variables_of(&Environment::of(env.clone()), &layer.path) {
        env.insert(variable.name(), value);
    }
    let text = |name: &str| env.get_string_lossy(name).unwrap_or_default();
    let (save_path, scan_dir) = (text(Variable::SavePath.name()), text(PHP_INI_SCAN_DIR));
    env.insert(Variable::CaFile.name(), "ca.pem");
    env.insert(PHP_INI_SCAN_DIR, with_every_ini_file(&scan_dir, &layer.path));
    let after = asked(before, &env, *store)?;
    for after in after.programs() {
        for (setting, value, expected) in [
            ("session.save_handler", &after.facts.save_handler, store.name()),
            ("session.save_path", &after.facts.save_path, &save_path),
            ("session.name", &after.facts.session_name, settings.session_name),
        ] {
            // A save path may hold a password.
            ensure!(
                value == expected,
                formatdoc! {"
                    PHP ({}) has {setting} = {:?} instead of {:?}, which the buildpack set.
                    Look for a later ini file that overrides it: {PHP_INI_SCAN_DIR} is {scan_dir:?}.",
                    after.name,
                    masked(value),
                    masked(expected)
                }
            );
        }
    }
    Ok(())
}

/// The folders of a launch that uses every ini file, each before the base: two set another save handler, and what the base
/// sets must count.
fn with_every_ini_file(scan_dir: &str, layer: &Path) -> String {
    let others = IniFile::ALL.into_iter().filter(|it| *it != IniFile::Base);
    let folders = others.chain([IniFile::Base]).map(|it| layer.join(it.folder()));
    let folders: Vec<String> =
        folders.filter(|it| it.is_dir()).map(|it| it.display().to_string()).collect();
    let base = layer.join(IniFile::Base.folder()).display().to_string();
    scan_dir.replace(&base, &folders.join(":"))
}

/// PHP in this environment, once none of its programs has a new warning.
fn asked(before: &Php, env: &Env, store: Store) -> anyhow::Result<Php> {
    let after = Php::ask(env)?;
    for (before, after) in before.programs().zip(after.programs()) {
        let warnings = after.new_warnings(before);
        ensure!(
            warnings.is_empty(),
            formatdoc! {"
                PHP ({}) starts with warnings when configured to keep its sessions in {store}:
                {}",
                after.name,
                warnings.join("\n")
            }
        );
    }
    Ok(after)
}
