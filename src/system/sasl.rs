//! Where this system has libsasl2's mechanism plugins.

use std::path::{Path, PathBuf};

/// Where this system has the plugins itself.
#[must_use]
pub fn mechanisms_of_system() -> Option<PathBuf> {
    library_folders().into_iter().find_map(|dir| plugins_in(&dir))
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
