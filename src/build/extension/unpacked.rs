//! Packages unpacked into a work folder.

use super::package::Package;
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

#[derive(Debug, Default)]
pub(super) struct Unpacked {
    /// The folder that stands for `/`.
    pub(super) root: PathBuf,
    /// For each path below the root, the package that it belongs to.
    pub(super) owners: BTreeMap<PathBuf, Package>,
}

impl Unpacked {
    pub(super) fn owner(&self, file: &Path) -> Option<&Package> {
        self.owners.get(file.strip_prefix(&self.root).ok()?)
    }

    /// Leads links to libraries that the image has, and that were therefore not fetched, to those: `libsasl2.so` of
    /// `libsasl2-dev` is a link to a file of `libsasl2-2`. Where it leads nowhere, the linker takes the static library,
    /// which no extension can be linked with.
    pub(super) fn lead_links_to_the_image(&self, image: &Path) -> io::Result<()> {
        for (file, link) in self.owners.keys().map(|file| (file, self.root.join(file))) {
            let Ok(target) = fs::read_link(&link) else { continue };
            let of_image = image.join(file).with_file_name(target);
            if !link.exists() && of_image.is_file() {
                fs::remove_file(&link)?;
                symlink(of_image, &link)?;
            }
        }
        Ok(())
    }

    /// The folders with shared libraries.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::build::extension::package::PackageSource;
    use crate::system::files::write;

    #[test]
    fn a_link_to_a_library_of_the_image_leads_there() {
        let (fetched, image) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let folder = Path::new("usr/lib/x86_64-linux-gnu");
        let package = Package {
            name: "lib".to_owned(),
            version: "1".to_owned(),
            source: PackageSource::File,
            licences: Vec::new(),
            sha256: String::new(),
        };
        let owners = ["liba.so", "libb.so", "libb.so.1"];
        let owners = owners.map(|name| (folder.join(name), package.clone())).into();
        let unpacked = Unpacked { root: fetched.path().to_owned(), owners };
        let fetched = fetched.path().join(folder);
        write(&image.path().join(folder).join("liba.so.2"), "").unwrap();
        write(&fetched.join("libb.so.1"), "").unwrap();
        symlink("liba.so.2", fetched.join("liba.so")).unwrap();
        symlink("libb.so.1", fetched.join("libb.so")).unwrap();
        unpacked.lead_links_to_the_image(image.path()).unwrap();
        assert_eq!(
            fs::read_link(fetched.join("liba.so")).unwrap(),
            image.path().join(folder).join("liba.so.2")
        );
        assert_eq!(fs::read_link(fetched.join("libb.so")).unwrap(), Path::new("libb.so.1"));
    }
}
