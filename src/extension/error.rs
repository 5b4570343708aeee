//! Why PHP has no extension for the store.

use super::libraries::LibrariesError;
use crate::config::variables::{EXTENSION, MIRROR};
use crate::php::PhpError;
use crate::store::Store;
use crate::system::files::WriteError;
use crate::system::version::Version;

/// Why PHP has no extension for the store.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ExtensionError {
    #[error(
        "PHP's programs differ in the {store} extension: {loading} loads it, {missing} does not.\nEnable it for all of them (on Debian: phpenmod {store}), or for none."
    )]
    Mixed { store: Store, loading: String, missing: String },
    #[error(
        "{EXTENSION} asks for another {0} extension than the one that PHP loads already, and PHP cannot have both.\nUnset {EXTENSION}, or disable PHP's own."
    )]
    LoadedAlready(Store),
    #[error("PHP cannot use the {store} extension from {origin}. What it says:\n{said}")]
    Unusable { store: Store, origin: String, said: String },
    #[error("{why}")]
    Unavailable { why: String },
    #[error(
        "PHP {php} has no {store} extension, and none of the ways to get it works:\n{refusals}\nInstall it in the build image and the run image ({install}), or let the build reach the package mirror, or give it phpize and a compiler; without a network, {MIRROR} says where the source release is."
    )]
    NoProvider { store: Store, php: Version, refusals: String, install: String },
    #[error(transparent)]
    Php(#[from] PhpError),
    #[error("The {store} extension cannot be used: {error}.")]
    Libraries { store: Store, error: LibrariesError },
    #[error(transparent)]
    Write(#[from] WriteError),
}
