//! The distribution's packages, fetched with the image's own apt as the build user. Apt's signatures and proxies
//! apply, but nothing is installed, and nothing is written outside the work folder.

use super::dpkg::{FIELDS, owner_of, package};
use super::package::Package;
use super::progress::timed;
use super::request::{ExtensionRequest, Fetched};
use super::unpacked::Unpacked;
use crate::store::Store;
use crate::system::command::{command, run};
use crate::system::digest;
use crate::system::files::entries_with;
use crate::system::version::Version;
use anyhow::{Context, ensure};
use bullet_stream::global::print;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What an error of the system is about.
const FILE: &str = "a file in apt's work folder";

/// Fetches the extension's package, with all dependencies that the image lacks.
///
/// Fails if apt is missing or fails, or if PHP is not the distribution's.
pub(super) fn provide(request: &ExtensionRequest<'_>, work: &Path) -> anyhow::Result<Fetched> {
    let facts = request.php.facts();
    ensure!(
        owner_of(request.env, &facts.binary).is_some(),
        "{} belongs to no package that dpkg knows, so the distribution's extensions don't fit",
        facts.binary.display()
    );
    let unpacked = fetch(request, &[&package_name(&facts.version, request.store)], work)?;
    let extension_dir = facts.extension_dir.strip_prefix("/").unwrap_or(&facts.extension_dir);
    Ok(Fetched { extension_dir: unpacked.root.join(extension_dir), unpacked, release: None })
}

/// The distribution's package of an extension, such as `php8.2-redis`.
pub(super) fn package_name(php: &Version, store: Store) -> String {
    format!("php{}-{store}", php.major_minor())
}

/// Downloads and unpacks packages, with all dependencies that the image lacks. `work` must be empty.
pub(super) fn fetch(
    request: &ExtensionRequest<'_>,
    names: &[&str],
    work: &Path,
) -> anyhow::Result<Unpacked> {
    let archives = work.join("cache/archives");
    fs::create_dir_all(work.join("state/lists/partial")).context(FILE)?;
    fs::create_dir_all(archives.join("partial")).context(FILE)?;
    timed("Fetching the package lists with apt", || run(apt_get(request, work).arg("update")))?;
    let options = ["--yes", "--no-install-recommends", "--download-only", "install"];
    timed(format!("Downloading {} with apt", names.join(", ")), || {
        run(apt_get(request, work).args(options).args(names))
    })?;
    let mut unpacked = Unpacked { root: work.join("root"), ..Unpacked::default() };
    for archive in entries_with(&archives, "deb") {
        let (package, files) = unpack(request, &archive, &unpacked.root)?;
        print::sub_bullet(package.to_string());
        unpacked.owners.extend(files.into_iter().map(|file| (file, package.clone())));
    }
    Ok(unpacked)
}

/// apt with its own state and cache.
fn apt_get(request: &ExtensionRequest<'_>, work: &Path) -> Command {
    let mut apt_get = command(request.env, "apt-get");
    apt_get.env("DEBIAN_FRONTEND", "noninteractive").env("LC_ALL", "C").arg("-q");
    for option in [
        &*format!("Dir::State={}", work.join("state").display()),
        &*format!("Dir::Cache={}", work.join("cache").display()),
        // What the image has is not fetched again.
        "Dir::State::status=/var/lib/dpkg/status",
        // Nobody else uses these folders, and locking needs root.
        "Debug::NoLocking=1",
        "Acquire::Languages=none",
        "Acquire::Retries=2",
        "Acquire::http::Timeout=30",
        "Acquire::https::Timeout=30",
        // Without it, an update that reached no server counts as a success.
        "APT::Update::Error-Mode=any",
    ] {
        apt_get.args(["-o", option]);
    }
    apt_get
}

/// Unpacks an archive; returns the package and its files, relative to the root.
fn unpack(
    request: &ExtensionRequest<'_>,
    archive: &Path,
    root: &Path,
) -> anyhow::Result<(Package, Vec<PathBuf>)> {
    let dpkg_deb = || command(request.env, "dpkg-deb");
    let listing = run(dpkg_deb().arg("--vextract").args([archive, root]))?;
    let files = listing.lines().map(|line| PathBuf::from(line.trim_start_matches("./")));
    let fields = run(dpkg_deb().args(["--show", FIELDS]).arg(archive))?;
    let sha256 = digest::sha256_of_file(archive).context(FILE)?;
    Ok((package(&fields, request.target, root, sha256), files.collect()))
}
