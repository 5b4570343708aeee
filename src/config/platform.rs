//! What the platform gives a build: variables, and a directory that may hold service bindings.

use libcnb::Env;
use libcnb::Platform;
use libcnb::generic::GenericPlatform;
use std::io;
use std::path::{Path, PathBuf};

/// The platform directory at launch, the lifecycle's default.
pub(crate) const LAUNCH_PLATFORM_DIR: &str = "/platform";

/// The platform of a build. Unlike libcnb's own type, it keeps the directory, where kpack and `pack` put service
/// bindings.
pub struct BuildPlatform {
    env: GenericPlatform,
    directory: PathBuf,
}

impl BuildPlatform {
    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }
}

impl Platform for BuildPlatform {
    fn env(&self) -> &Env {
        self.env.env()
    }

    fn from_path(directory: impl AsRef<Path>) -> io::Result<Self> {
        let directory = directory.as_ref().to_owned();
        Ok(Self { env: GenericPlatform::from_path(&directory)?, directory })
    }
}
