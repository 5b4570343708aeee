//! The PHP extension of a store: is it there, and what must be loaded?

use crate::php::Php;
use crate::store::Store;
use std::fmt;

/// The extensions that a store's extension may have been built with, in the order in which PHP must
/// load them.
fn companions(store: Store) -> &'static [&'static str] {
    match store {
        Store::Redis => &["igbinary", "msgpack"],
    }
}

/// How PHP comes to the extension.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Extension {
    /// PHP loads it already.
    Loaded,
    /// PHP has it, and must be told to load these, in this order.
    Present(Vec<String>),
}

/// No provider has the extension.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "PHP {php} has no {store} extension: it is not loaded, and {extension_dir}/{store}.so is not there.\nInstall it in the build image and the run image (on Debian: apt-get install {package}), or use images that have it."
)]
pub struct ExtensionError {
    store: Store,
    php: String,
    extension_dir: String,
    package: String,
}

/// Finds the extension of `store` in the installed PHP.
///
/// # Errors
///
/// Fails if PHP has none.
pub fn find_extension(php: &Php, store: Store) -> Result<Extension, ExtensionError> {
    if php.extension(store.name()).is_some() {
        return Ok(Extension::Loaded);
    }
    if !php.has_extension_file(store.name()) {
        return Err(ExtensionError {
            store,
            php: php.facts.version.to_string(),
            extension_dir: php.facts.extension_dir.display().to_string(),
            package: format!("php{}-{store}", php.facts.version.major_minor()),
        });
    }
    let to_load = companions(store)
        .iter()
        .filter(|name| php.extension(name).is_none() && php.has_extension_file(name))
        .copied()
        .chain([store.name()])
        .map(str::to_owned);
    Ok(Extension::Present(to_load.collect()))
}

impl fmt::Display for Extension {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Loaded => formatter.write_str("PHP loads it already"),
            Self::Present(names) => {
                write!(formatter, "PHP has it; the drop-in loads {}", names.join(", "))
            }
        }
    }
}
