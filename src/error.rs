//! What can go wrong in a build. Each part has its own errors, with the words that a user reads.

use crate::embedded::EmbedError;
use crate::extension::ExtensionError;
use crate::files::WriteError;
use crate::intent::IntentError;
use crate::php::PhpError;
use crate::proof::ProofError;
use crate::sbom::SbomError;
use libcnb::Error as FrameworkError;
use std::fmt::Display;

/// Any error of a build.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It is not clear what to do.
    #[error(transparent)]
    Intent(#[from] IntentError),
    /// PHP cannot be asked.
    #[error(transparent)]
    Php(#[from] PhpError),
    /// The extension is not to be had.
    #[error(transparent)]
    Extension(#[from] ExtensionError),
    /// A layer's file cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// Credentials cannot be embedded.
    #[error(transparent)]
    Embed(#[from] EmbedError),
    /// The bill of materials cannot be written.
    #[error(transparent)]
    Sbom(#[from] SbomError),
    /// PHP does not take the settings.
    #[error(transparent)]
    Proof(#[from] ProofError),
}

impl From<Error> for FrameworkError<Error> {
    fn from(error: Error) -> Self {
        Self::BuildpackError(error)
    }
}

/// An error as people see it: one paragraph, marked with the buildpack's name.
#[must_use]
pub fn report(error: &impl Display) -> String {
    format!("PHP session store: {error}")
}
