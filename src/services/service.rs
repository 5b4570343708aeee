//! One bound service.

use super::binding_files;
use super::credentials::Credentials;
use super::origin::Origin;
use crate::store::Store;
use std::fmt;
use std::path::PathBuf;

/// One bound service.
#[derive(Debug, Clone)]
pub struct Service {
    /// The binding's name, else the service instance's name.
    pub(crate) name: String,
    /// The instance's name, if the platform gives both.
    pub(crate) instance_name: Option<String>,
    /// A service binding's type, or Cloud Foundry's label.
    pub(crate) kind: Option<String>,
    /// Why a service binding's type cannot be read, or has none.
    pub(super) kind_problem: Option<String>,
    /// The credential `type`, if it is not the binding's own type.
    pub(crate) credentials_type: Option<String>,
    pub(crate) tags: Vec<String>,
    pub(crate) origin: Origin,
    pub(super) guid: Option<String>,
    pub(super) credentials: CredentialSource,
}

/// Read only for the service that is used: a bad file in another binding does not concern us.
#[derive(Debug, Clone)]
pub(super) enum CredentialSource {
    Folder(PathBuf),
    Inline(Credentials),
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

    pub(crate) fn problem(&self) -> Option<&str> {
        self.kind_problem.as_deref()
    }

    /// Whether its type, label or a tag says that it is a server of this store.
    pub(crate) fn is_of_kind(&self, store: Store) -> bool {
        let said = self.kind.iter().chain(&self.credentials_type).chain(&self.tags);
        said.into_iter().any(|text| store.is_named_by(text))
    }

    /// Whether `other`, which has the same name in another source, is this service.
    pub(super) fn is_same_as(&self, other: &Self) -> bool {
        if self.origin == other.origin {
            return false;
        }
        if let (Some(ours), Some(theirs)) = (&self.guid, &other.guid) {
            return ours == theirs;
        }
        match (self.credentials(), other.credentials()) {
            (Ok(ours), Ok(theirs)) => ours.agrees_with(&theirs),
            _ => false,
        }
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
