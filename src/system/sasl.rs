//! Where this system has libsasl2's mechanism plugins.

use std::path::{Path, PathBuf};

/// Libsasl2's variable with the folders of its plugins, separated by `:`.
pub(crate) const SASL_PATH: &str = "SASL_PATH";

/// Where this system has the plugins itself.
#[must_use]
pub(crate) fn mechanisms_of_system() -> Option<PathBuf> {
    library_folders().into_iter().find_map(|dir| plugins_in(&dir))
}

/// Where libsasl2 looks for its plugins in Debian and Red Hat's images of this architecture, whether or not they are
/// there: the run image may have what the build image lacks.
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

/// Where libsasl2 looks for its plugins.
const FOLDER: &str = "sasl2";
