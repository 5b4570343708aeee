//! Packages unpacked into a work folder.

use super::package::Package;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Unpacked packages.
#[derive(Debug, Default)]
pub(super) struct Unpacked {
    /// The folder that stands for `/`.
    pub(crate) root: PathBuf,
    pub(super) packages: Vec<Package>,
    /// For each path below the root, the index in `packages` of the package that it belongs to.
    pub(super) owners: BTreeMap<PathBuf, usize>,
}

impl Unpacked {
    /// The package that a file belongs to.
    #[must_use]
    pub(super) fn owner(&self, file: &Path) -> Option<&Package> {
        let relative = file.strip_prefix(&self.root).ok()?;
        self.packages.get(*self.owners.get(relative)?)
    }

    /// The folders with shared libraries.
    #[must_use]
    pub(super) fn library_dirs(&self) -> Vec<PathBuf> {
        let is_library = |file: &&PathBuf| {
            let name = file.file_name().unwrap_or_default().to_string_lossy();
            name.starts_with("lib") && name.contains(".so")
        };
        let mut dirs: Vec<PathBuf> = self
            .owners
            .keys()
            .filter(is_library)
            .filter_map(|file| file.parent())
            .map(|dir| self.root.join(dir))
            .collect();
        dirs.dedup();
        dirs
    }
}
