//! Finds this system's libsasl2 mechanism plugins.

use std::path::{Path, PathBuf};

/// libsasl2's variable with its plugin folders, separated by `:`.
pub(crate) const SASL_PATH: &str = "SASL_PATH";

/// The system's own folder of plugins.
#[must_use]
pub(crate) fn mechanisms_of_system() -> Option<PathBuf> {
    library_folders().into_iter().find_map(|dir| plugins_in(&dir))
}

/// Where libsasl2 looks for its plugins on Debian and Red Hat, for this architecture. They need not exist: the run
/// image may have what the build image lacks.
#[must_use]
pub(crate) fn system_plugin_folders() -> [PathBuf; 2] {
    let multiarch = format!("/usr/lib/{}-linux-gnu", std::env::consts::ARCH);
    [Path::new(&multiarch).join(FOLDER), Path::new("/usr/lib64").join(FOLDER)]
}

/// The folders of shared libraries: `/usr/lib`, and those of an architecture within it.
fn library_folders() -> Vec<PathBuf> {
    let lib = Path::new("/usr/lib");
    let mut folders = vec![PathBuf::from("/usr/lib64"), lib.to_owned()];
    folders.extend(lib.read_dir().into_iter().flatten().flatten().map(|entry| entry.path()));
    folders
}

pub(crate) fn plugins_in(dir: &Path) -> Option<PathBuf> {
    Some(dir.join(FOLDER)).filter(|folder| folder.join(PLAIN).is_file())
}

/// The mechanism that every Memcached service offers.
pub(crate) const PLAIN: &str = "libplain.so";

/// The subfolder where libsasl2 looks for its plugins.
const FOLDER: &str = "sasl2";
