//! Where a service came from.

use crate::system::masked::masked;
use std::fmt;
use std::path::{Path, PathBuf};

/// Where a service came from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Origin {
    /// A folder of service bindings.
    Bindings(PathBuf),
    /// The variable `VCAP_SERVICES`.
    #[default]
    Vcap,
    /// The file named by `VCAP_SERVICES_FILE_PATH`.
    VcapFile(PathBuf),
    /// A variable of the platform, such as `REDIS_URL`.
    Variable,
    /// The image itself: credentials embedded at build.
    Embedded,
}

impl fmt::Display for Origin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bindings(root) => write!(formatter, "service bindings in {}", shown(root)),
            Self::Vcap => formatter.write_str(VCAP_SERVICES),
            Self::VcapFile(path) => {
                write!(formatter, "{VCAP_SERVICES_FILE_PATH} {}", shown(path))
            }
            Self::Variable => formatter.write_str("environment variable"),
            Self::Embedded => formatter.write_str("the credentials embedded in the image"),
        }
    }
}

/// A path for a message. It comes from a variable, which may hold a uri by mistake.
pub(super) fn shown(path: &Path) -> String {
    masked(&path.display().to_string()).into_owned()
}

/// Points to the folder of service bindings (servicebinding.io).
pub const SERVICE_BINDING_ROOT: &str = "SERVICE_BINDING_ROOT";

/// Holds Cloud Foundry's services as JSON.
pub const VCAP_SERVICES: &str = "VCAP_SERVICES";

/// Points to a file with the same JSON, for apps with `file-based-vcap-services`.
pub const VCAP_SERVICES_FILE_PATH: &str = "VCAP_SERVICES_FILE_PATH";
