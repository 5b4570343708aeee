//! One bound service, and its credentials as names and values, not yet interpreted.

use super::binding_files;
use super::credential::{Credential, Credentials};
use super::origin::Origin;
use crate::store::Store;
use std::fmt;
use std::path::PathBuf;

/// One bound service.
#[derive(Debug, Clone, Default)]
pub struct Service {
    /// The binding's name, else the service instance's name.
    pub(crate) name: String,
    /// The instance's name, if the platform gives both.
    pub(crate) instance_name: Option<String>,
    /// A service binding's type, or Cloud Foundry's label.
    pub(crate) kind: Option<String>,
    /// Why a service binding's type cannot be read, or has none.
    pub(crate) problem: Option<String>,
    /// The credential `type`, if it is not the binding's own type.
    pub(crate) credentials_type: Option<String>,
    pub(crate) tags: Vec<String>,
    pub(crate) origin: Origin,
    pub(super) credentials: CredentialSource,
}

/// Read only for the service that is used: a bad file in another binding does not concern us.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum CredentialSource {
    Folder(PathBuf),
    Inline(Credentials),
}

impl Default for CredentialSource {
    fn default() -> Self {
        Self::Inline(Credentials::default())
    }
}

impl Service {
    /// The credentials; those in files are read now.
    ///
    /// Fails if the binding's folder cannot be listed. A single bad file is an error only when that credential is
    /// needed.
    pub(crate) fn credentials(&self) -> anyhow::Result<Credentials> {
        match &self.credentials {
            CredentialSource::Folder(folder) => binding_files::credentials(folder),
            CredentialSource::Inline(credentials) => Ok(credentials.clone()),
        }
    }

    pub(crate) fn credential_file(&self, name: &str) -> Option<PathBuf> {
        match &self.credentials {
            CredentialSource::Folder(folder) => binding_files::credential_file(folder, name),
            CredentialSource::Inline(_) => None,
        }
    }

    /// Whether its type, label or a tag says that it is a server of this store.
    pub(crate) fn is_of_kind(&self, store: Store) -> bool {
        let said = self.kind.iter().chain(&self.credentials_type).chain(&self.tags);
        said.into_iter().any(|text| store.is_named_by(text))
    }

    /// Whether `other` is this service in another source.
    pub(super) fn is_same_as(&self, other: &Self) -> bool {
        if self.name != other.name || self.origin == other.origin {
            return false;
        }
        let (Ok(ours), Ok(theirs)) = (self.credentials(), other.credentials()) else {
            return false;
        };
        let agrees = |(name, ours): (&String, &Credential)| {
            theirs.get(name).is_none_or(|theirs| theirs.in_file() == ours.in_file())
        };
        ours.iter().all(agrees)
    }
}

/// The service's name and origin, for messages.
impl fmt::Display for Service {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:?} ({}", self.name, self.origin)?;
        if let Some(kind) = &self.kind {
            write!(formatter, ", {}", kind.escape_debug())?;
        }
        formatter.write_str(")")
    }
}
