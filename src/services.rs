//! The services that the platform has bound to the app, whichever way it passes them.

mod binding_files;
mod bindings;
mod credential;
pub mod matching;
pub(crate) mod near_miss;
mod origin;
pub(crate) mod platform_variables;
pub mod search_keys;
mod service;
mod vcap;

pub(crate) use credential::{Credential, Credentials};
pub use origin::{Origin, SERVICE_BINDING_ROOT, VCAP_SERVICES, VCAP_SERVICES_FILE_PATH};
pub(crate) use service::Service;

use crate::config::environment::Environment;
use crate::system::files::read_text;
use crate::system::log_line::listed;
use anyhow::anyhow;
use std::fmt;
use std::path::{Path, PathBuf};

/// A message names at most this many services.
const NAMED_SERVICES: usize = 20;

/// All bound services, and where we looked for them.
#[derive(Debug, Default)]
pub struct Services {
    services: Vec<Service>,
    /// Each with what looks wrong about it.
    origins: Vec<(Origin, Option<String>)>,
}

impl Services {
    /// Reads every bound service. `platform_dir` is the lifecycle's at detect and build, `/platform` at launch.
    ///
    /// # Errors
    /// Fails if a source exists and cannot be read or parsed.
    pub fn read(environment: &Environment, platform_dir: &Path) -> anyhow::Result<Self> {
        let mut services = Self::default();
        let named = environment.text(SERVICE_BINDING_ROOT)?;
        let root =
            named.map_or_else(|| platform_dir.join("bindings"), |path| PathBuf::from(path.trim()));
        let found = bindings::read(&root)?;
        let problem = bindings::problem(&root, &found, named.is_some());
        services.add(Origin::Bindings(root), found, problem);
        if let Some(json) = environment.text(VCAP_SERVICES)? {
            services.add(Origin::Vcap, vcap::parse(json, &Origin::Vcap)?, None);
        }
        if let Some(path) =
            environment.text(VCAP_SERVICES_FILE_PATH)?.map(|path| PathBuf::from(path.trim()))
        {
            let json = read_text(&path).map_err(|error| {
                let path = origin::shown(&path);
                anyhow!("The file {path}, named by {VCAP_SERVICES_FILE_PATH}, {error}.")
            })?;
            let origin = Origin::VcapFile(path);
            services.add(origin.clone(), vcap::parse(&json, &origin)?, None);
        }
        Ok(services)
    }

    /// Parses services from JSON in the format of `VCAP_SERVICES`.
    ///
    /// # Errors
    /// Fails if the JSON has another format.
    pub fn parse(json: &str, origin: Origin) -> anyhow::Result<Self> {
        let mut services = Self::default();
        let found = vcap::parse(json, &origin)?;
        services.add(origin, found, None);
        Ok(services)
    }

    /// Adds the services of one source. The same service seen through two sources counts once.
    fn add(&mut self, origin: Origin, found: Vec<Service>, problem: Option<String>) {
        for service in found {
            if !self.services.iter().any(|known| known.is_same_as(&service)) {
                self.services.push(service);
            }
        }
        self.origins.push((origin, problem));
    }

    /// Each service once, in the order in which their sources are searched.
    pub fn iter(&self) -> impl Iterator<Item = &Service> {
        self.services.iter()
    }
}

/// Where we looked, for messages: each source with its services.
impl fmt::Display for Services {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (origin, problem)) in self.origins.iter().enumerate() {
            let names: Vec<String> = self
                .iter()
                .filter(|service| service.origin == *origin)
                .map(|service| format!("{:?}", service.name))
                .collect();
            let separator = if index == 0 { "" } else { ", " };
            let shown = if names.is_empty() {
                problem.clone().unwrap_or_else(|| "no service".to_owned())
            } else {
                listed(&names, NAMED_SERVICES)
            };
            write!(formatter, "{separator}{origin} ({shown})")?;
        }
        Ok(())
    }
}
