//! Why PHP has no extension for the store.

use super::libraries::LibrariesError;
use crate::config::variables::{EXTENSION, MIRROR};
use crate::php::PhpError;
use crate::store::Store;
use crate::system::files::WriteError;
use crate::system::version::Version;

/// Why PHP has no extension for the store.
#[derive(Debug, thiserror::Error)]
pub enum ExtensionError {
    /// Some of PHP's programs load it, and some do not.
    #[error(
        "PHP's programs differ in the {store} extension: {loading} loads it, {missing} does not.\nEnable it for all of them (on Debian: phpenmod {store}), or for none."
    )]
    Mixed {
        /// The extension.
        store: Store,
        /// The programs that load it.
        loading: String,
        /// The programs that do not.
        missing: String,
    },
    /// PHP loads it already, and another one is asked for.
    #[error(
        "{EXTENSION} asks for another {0} extension than the one that PHP loads already, and PHP cannot have both.\nUnset {EXTENSION}, or disable PHP's own."
    )]
    LoadedAlready(Store),
    /// PHP does not take it.
    #[error("PHP cannot use the {store} extension from {origin}. What it says:\n{said}")]
    Unusable {
        /// The extension.
        store: Store,
        /// Where it came from.
        origin: String,
        /// PHP's words.
        said: String,
    },
    /// A provider does not have it.
    #[error("{why}")]
    Unavailable {
        /// Why.
        why: String,
    },
    /// No provider has it.
    #[error(
        "PHP {php} has no {store} extension, and none of the ways to get it works:\n{refusals}\nInstall it in the build image and the run image ({install}), or let the build reach the package mirror, or give it phpize and a compiler; without a network, {MIRROR} says where the source release is."
    )]
    NoProvider {
        /// The extension.
        store: Store,
        /// PHP's version.
        php: Version,
        /// Each provider's words, a line each.
        refusals: String,
        /// How the distribution installs it.
        install: String,
    },
    /// PHP cannot be asked.
    #[error(transparent)]
    Php(#[from] PhpError),
    /// The libraries that it needs cannot be had.
    #[error("The {store} extension cannot be used: {error}.")]
    Libraries {
        /// The extension.
        store: Store,
        /// What is wrong.
        error: LibrariesError,
    },
    /// The layer cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
}
