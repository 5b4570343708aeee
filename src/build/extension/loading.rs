//! Whether PHP can load an extension, and what it must load first.

use super::request::{COMPANIONS, Extension, ExtensionRequest, directive, object_in};
use crate::config::build::Provider;
use crate::php::Program;
use crate::store::Store;
use crate::system::version::Version;
use indoc::formatdoc;
use std::path::Path;

/// Finds out how PHP can load the extension, from the layer or from PHP's own directory, with as few companions as
/// possible. If it cannot, returns PHP's message.
pub(super) fn find_loadable(
    request: &ExtensionRequest<'_>,
    provider: Provider,
    layer: Option<&Path>,
) -> Result<Extension, String> {
    let cli = &request.php.cli;
    let may_help = |name: &&str| !cli.loads(name) && is_there(request, name, layer);
    let mut said = String::new();
    for first in [&[], &COMPANIONS[..1], &COMPANIONS[1..], &COMPANIONS[..]] {
        if !first.iter().all(may_help) {
            continue;
        }
        let mut load = [first, &[request.store.name()]].concat();
        let mut tried = try_loading(request, &load, layer);
        // An ini file loads it, and lacks only what it depends on.
        if !first.is_empty() && tried.as_ref().is_err_and(|words| words.contains(LOADED_TWICE)) {
            load = first.to_vec();
            tried = try_loading(request, &load, layer);
        }
        match tried {
            Ok(version) => {
                let load = load.into_iter().map(str::to_owned).collect();
                return Ok(Extension { provider, version, load });
            }
            Err(words) => said = words,
        }
    }
    Err(said)
}

/// PHP's warning if an ini file loads the extension already.
const LOADED_TWICE: &str = "is already loaded";

/// The version of the store's extension if PHP loads these as well; else what is wrong.
fn try_loading(
    request: &ExtensionRequest<'_>,
    load: &[&str],
    layer: Option<&Path>,
) -> Result<Version, String> {
    let directives = load.iter().map(|name| directive(request.php, name, layer));
    let options: Vec<String> =
        directives.flat_map(|value| ["-d".to_owned(), format!("extension={value}")]).collect();
    let program = Program::ask("cli", request.env, &options).map_err(|said| format!("{said:#}"))?;
    usable_version(&program, &request.php.cli, request.store)
}

/// What to do about an ini file that tries and fails to load the extension: PHP warns at each start, but does not
/// say what would help.
pub(super) fn enabled_in_vain(
    request: &ExtensionRequest<'_>,
    extension: &Extension,
) -> Option<String> {
    let store = request.store;
    let failure = request.php.cli.load_failure(store.name())?;
    let before = COMPANIONS.into_iter().filter(|name| {
        failure.contains(&format!("{name}_")) || extension.load.iter().any(|load| load == name)
    });
    let before: Vec<String> = before.map(|name| format!("`extension={name}.so`")).collect();
    let or = match before.as_slice() {
        [] => String::new(),
        before => format!(", or put {} before it", before.join(" and ")),
    };
    Some(formatdoc! {"
        An ini file enables {store} where PHP cannot load it, so PHP warns at each start. Sessions are kept all the same: the buildpack's ini file loads {}.
        Remove the line `extension={store}.so`{or}. PHP says: {failure}",
        extension.load.join(", ")
    })
}

fn is_there(request: &ExtensionRequest<'_>, name: &str, layer: Option<&Path>) -> bool {
    layer.is_some_and(|layer| object_in(layer, name).is_file())
        || request.php.facts().extension_dir.join(format!("{name}.so")).is_file()
}

/// The version of the extension in a program that can keep sessions with it; else what is wrong.
pub(super) fn usable_version(
    program: &Program,
    before: &Program,
    store: Store,
) -> Result<Version, String> {
    let warnings = program.new_warnings(before);
    if !warnings.is_empty() {
        return Err(warnings.join("\n"));
    }
    let version =
        program.version_of(store.name()).ok_or("PHP does not load it, and does not say why.")?;
    if program.facts.save_handlers.iter().any(|handler| handler == store.name()) {
        return Ok(version);
    }
    let handlers = program.facts.save_handlers.join(", ");
    Err(format!("The extension has no session save handler {store}. PHP has only: {handlers}."))
}
