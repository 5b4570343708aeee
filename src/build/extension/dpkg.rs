//! What dpkg knows about files in this image.

use super::package::{Package, PackageSource};
use crate::system::command::{command, run};
use crate::system::digest;
use libcnb::{Env, Target};
use std::fs;
use std::path::Path;

/// What dpkg is to print of a package.
pub(super) const FIELDS: &str = "--showformat=${Package}\t${Version}\t${Architecture}";

/// The installed package that a file belongs to: its [`FIELDS`].
pub(super) fn owner_of(env: &Env, file: &Path) -> Option<String> {
    // dpkg lists libraries in /usr/lib, or in /lib, which may be a link to it.
    let canonical = file.canonicalize().ok()?;
    let without_usr = Path::new("/").join(canonical.strip_prefix("/usr").unwrap_or(&canonical));
    let line = [canonical.as_path(), without_usr.as_path()]
        .iter()
        .find_map(|path| run(command(env, "dpkg-query").arg("--search").arg(path)).ok())?;
    let name = line.split(": ").next()?.to_owned();
    run(command(env, "dpkg-query").args(["--show", FIELDS, &name])).ok()
}

/// The distribution's package that installed a file, if one did.
pub(super) fn installed_package(env: &Env, target: &Target, file: &Path) -> Option<Package> {
    let fields = owner_of(env, file)?;
    let sha256 = digest::sha256_of_file(file).ok()?;
    Some(package(&fields, target, Path::new("/"), sha256))
}

/// The package described by these [`FIELDS`]; its documentation is below `root`.
pub(super) fn package(fields: &str, target: &Target, root: &Path, sha256: String) -> Package {
    let mut fields = fields.trim().split('\t');
    let mut next = || fields.next().unwrap_or_default().to_owned();
    let (name, version, arch) = (next(), next(), next());
    let licences = licences(&root.join("usr/share/doc").join(&name).join("copyright"));
    let source = PackageSource::Deb {
        distro: target.distro_name.clone(),
        release: target.distro_version.clone(),
        arch,
    };
    Package { name, version, source, licences, sha256 }
}

/// The licences of all files, from Debian's machine-readable copyright file.
/// <https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/>
fn licences(copyright: &Path) -> Vec<String> {
    let Ok(text) = fs::read_to_string(copyright) else { return Vec::new() };
    let mut licences: Vec<String> = text
        .lines()
        .filter_map(|line| line.strip_prefix("License:"))
        .map(|licence| licence.trim().to_owned())
        .filter(|licence| !licence.is_empty())
        .collect();
    licences.sort();
    licences.dedup();
    licences
}
