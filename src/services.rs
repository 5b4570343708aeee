//! The services that the platform has bound to the app, wherever it tells of them.

mod bindings;
mod credentials;
pub mod matching;
pub mod search_keys;
mod vcap;

pub use credentials::{Credential, Credentials};

use crate::environment::{Environment, EnvironmentError};
use crate::files::{FileError, read_text};
use std::collections::HashMap;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// Points to the folder of service bindings (servicebinding.io).
pub const SERVICE_BINDING_ROOT: &str = "SERVICE_BINDING_ROOT";
/// Holds Cloud Foundry's services as JSON.
pub const VCAP_SERVICES: &str = "VCAP_SERVICES";
/// Points to a file with the same JSON, where an app has `file-based-vcap-services`.
pub const VCAP_SERVICES_FILE_PATH: &str = "VCAP_SERVICES_FILE_PATH";

/// How many services a message names at most.
const NAMED_SERVICES: usize = 20;

/// One bound service.
#[derive(Debug, Clone)]
pub struct Service {
    /// The binding's name, else the service instance's.
    pub name: String,
    /// The instance's name, where the platform gives it beside the binding's.
    pub instance_name: Option<String>,
    /// A service binding's type, or Cloud Foundry's label.
    pub kind: Option<String>,
    /// Why a service binding's type cannot be read, where it is there.
    kind_problem: Option<String>,
    /// The credential `type`, where it is not the binding's own type.
    pub credentials_type: Option<String>,
    /// Who provides the service.
    pub provider: Option<String>,
    /// Cloud Foundry's tags.
    pub tags: Vec<String>,
    /// Where it came from.
    pub origin: Origin,
    guid: Option<String>,
    credentials: CredentialSource,
}

/// Where a service came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A folder of service bindings.
    Bindings(PathBuf),
    /// The variable `VCAP_SERVICES`.
    Vcap,
    /// The file that `VCAP_SERVICES_FILE_PATH` names.
    VcapFile(PathBuf),
    /// The image itself, which has kept what was bound to its build.
    Embedded,
}

/// Read only for the service that is used: a bad file in another's binding is none of our business.
#[derive(Debug, Clone)]
enum CredentialSource {
    Folder(PathBuf),
    Inline(Credentials),
}

/// All bound services, and where they were looked for.
#[derive(Debug, Default)]
pub struct Services {
    services: Vec<Service>,
    origins: Vec<Origin>,
}

/// Why the bound services cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ServicesError {
    /// A variable cannot be read.
    #[error(transparent)]
    Environment(#[from] EnvironmentError),
    /// The folder of bindings, or one of them, cannot be listed.
    #[error("The service bindings in {} cannot be listed: {error}.\nMake the folder readable for the app's user.", .path.display())]
    ListBindings {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// The file that `VCAP_SERVICES_FILE_PATH` names cannot be read.
    #[error("The file {}, which {VCAP_SERVICES_FILE_PATH} names, {error}.", .path.display())]
    ReadVcapFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        error: FileError,
    },
    /// Cloud Foundry's services are not what they should be.
    #[error(
        "{origin} {problem}\nExpected {{\"label\": [{{\"name\": \"…\", \"credentials\": {{…}}}}]}}, as Cloud Foundry writes it."
    )]
    Vcap {
        /// Which of the two it is.
        origin: Origin,
        /// What is wrong, and where.
        problem: String,
    },
}

impl Services {
    /// Reads every bound service: at detect and build with the platform's directory, at launch with
    /// `/platform`.
    ///
    /// # Errors
    ///
    /// Fails if a source is there and cannot be understood.
    pub fn read(environment: &Environment, platform_dir: &Path) -> Result<Self, ServicesError> {
        let mut services = Self::default();
        let root = environment
            .text(SERVICE_BINDING_ROOT)?
            .map_or_else(|| platform_dir.join("bindings"), PathBuf::from);
        services.add(Origin::Bindings(root.clone()), bindings::read(&root)?);
        if let Some(json) = environment.text(VCAP_SERVICES)? {
            services.add(Origin::Vcap, vcap::parse(json, &Origin::Vcap)?);
        }
        if let Some(path) = environment.text(VCAP_SERVICES_FILE_PATH)?.map(PathBuf::from) {
            let json = read_text(&path)
                .map_err(|error| ServicesError::ReadVcapFile { path: path.clone(), error })?;
            let origin = Origin::VcapFile(path);
            services.add(origin.clone(), vcap::parse(&json, &origin)?);
        }
        Ok(services)
    }

    /// The services in a text of the form of `VCAP_SERVICES`.
    ///
    /// # Errors
    ///
    /// Fails if it has not that form.
    pub fn parse(json: &str, origin: Origin) -> Result<Self, ServicesError> {
        let mut services = Self::default();
        let found = vcap::parse(json, &origin)?;
        services.add(origin, found);
        Ok(services)
    }

    /// Adds what one source has. The same service seen through two sources is one service.
    fn add(&mut self, origin: Origin, found: Vec<Service>) {
        let known: HashMap<&str, &Service> =
            self.services.iter().map(|service| (service.name.as_str(), service)).collect();
        let new: Vec<Service> = found
            .into_iter()
            .filter(|service| {
                !known.get(service.name.as_str()).is_some_and(|known| known.is_same_as(service))
            })
            .collect();
        self.services.extend(new);
        self.origins.push(origin);
    }

    /// The services themselves.
    pub fn iter(&self) -> impl Iterator<Item = &Service> {
        self.services.iter()
    }
}

/// What was looked at, for messages: each source with the services that it has.
impl fmt::Display for Services {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, origin) in self.origins.iter().enumerate() {
            let names: Vec<String> = self
                .iter()
                .filter(|service| service.origin == *origin)
                .map(|service| match &service.kind_problem {
                    None => format!("{:?}", service.name),
                    Some(problem) => format!("{:?}, whose type {problem}", service.name),
                })
                .collect();
            let separator = if index == 0 { "" } else { ", " };
            let shown = names.iter().take(NAMED_SERVICES).cloned().collect::<Vec<_>>().join(", ");
            match names.len() {
                0 => write!(formatter, "{separator}{origin} (no service)")?,
                count if count > NAMED_SERVICES => {
                    write!(
                        formatter,
                        "{separator}{origin} ({shown} and {} more)",
                        count - NAMED_SERVICES
                    )?;
                }
                _ => write!(formatter, "{separator}{origin} ({shown})")?,
            }
        }
        Ok(())
    }
}

impl Service {
    /// The credentials, read now where they lie in files.
    ///
    /// # Errors
    ///
    /// Fails if the binding's folder cannot be listed. A single bad file is an error only for who
    /// asks for it.
    pub fn credentials(&self) -> Result<Credentials, ServicesError> {
        match &self.credentials {
            CredentialSource::Folder(folder) => bindings::credentials(folder),
            CredentialSource::Inline(credentials) => Ok(credentials.clone()),
        }
    }

    /// The file that holds a credential, where credentials lie in files.
    #[must_use]
    pub fn credential_file(&self, name: &str) -> Option<PathBuf> {
        match &self.credentials {
            CredentialSource::Folder(folder) => bindings::credential_file(folder, name),
            CredentialSource::Inline(_) => None,
        }
    }

    /// Whether `other`, of the same name in another source, is this service.
    fn is_same_as(&self, other: &Self) -> bool {
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

/// The service's name and where it came from, for messages.
impl fmt::Display for Service {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:?} ({}", self.name, self.origin)?;
        if let Some(kind) = &self.kind {
            write!(formatter, ", {kind}")?;
        }
        formatter.write_str(")")
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bindings(root) => write!(formatter, "service bindings in {}", root.display()),
            Self::Vcap => formatter.write_str(VCAP_SERVICES),
            Self::VcapFile(path) => {
                write!(formatter, "{VCAP_SERVICES_FILE_PATH} {}", path.display())
            }
            Self::Embedded => formatter.write_str("the credentials embedded in the image"),
        }
    }
}
