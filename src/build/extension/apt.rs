//! The distribution's packages, fetched with the image's own apt as the build user. Apt's signatures and proxies
//! apply, but nothing is installed, and nothing is written outside the work folder.

use super::dpkg::{owner_of, package};
use super::package::Package;
use super::progress::{downloaded, timed};
use super::request::{ExtensionRequest, Fetched};
use super::unpacked::Unpacked;
use crate::config::build::Provider;
use crate::store::Store;
use crate::system::command::{find_program, run};
use crate::system::digest;
use crate::system::files::entries_with;
use crate::system::version::Version;
use anyhow::{Context, ensure};
use libcnb::{Env, Target};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// apt with its own state and cache.
pub(super) struct Apt<'a> {
    env: &'a Env,
    target: &'a Target,
    work: PathBuf,
}

/// What an error of the system is about.
const FILE: &str = "a file in apt's work folder";

/// Fetches the extension's package, with all dependencies that the image lacks.
///
/// Fails if apt is missing or fails, or if PHP is not the distribution's.
pub(super) fn provide(request: &ExtensionRequest<'_>, work: &Path) -> anyhow::Result<Fetched> {
    let apt = Apt::new(request, work)?;
    let facts = request.php.facts();
    ensure!(
        owner_of(request.env, &facts.binary).is_some(),
        "{} does not belong to a package of the distribution, so the distribution's extensions don't fit",
        facts.binary.display()
    );
    let unpacked = apt.fetch(&[&package_name(&facts.version, request.store)])?;
    let extension_dir = facts.extension_dir.strip_prefix("/").unwrap_or(&facts.extension_dir);
    Ok(Fetched {
        provider: Provider::Apt,
        extension_dir: unpacked.root.join(extension_dir),
        unpacked,
        release: None,
    })
}

/// The distribution's package of an extension, such as `php8.2-redis`.
pub(super) fn package_name(php: &Version, store: Store) -> String {
    format!("php{}-{store}", php.major_minor())
}

impl<'a> Apt<'a> {
    pub(super) fn new(request: &ExtensionRequest<'a>, work: &Path) -> anyhow::Result<Self> {
        for program in ["apt-get", "dpkg-deb", "dpkg-query"] {
            ensure!(find_program(request.env, program).is_some(), "the image has no {program}");
        }
        Ok(Self { env: request.env, target: request.target, work: work.join("apt") })
    }

    /// Downloads and unpacks the packages, with all dependencies that the image lacks.
    pub(super) fn fetch(&self, names: &[&str]) -> anyhow::Result<Unpacked> {
        self.update()?;
        // Archives from an earlier fetch are already unpacked.
        let archives = self.work.join("cache/archives");
        fs::remove_dir_all(&archives).context(FILE)?;
        fs::create_dir_all(archives.join("partial")).context(FILE)?;
        let options = ["--yes", "--no-install-recommends", "--download-only", "install"];
        timed(format!("Downloading {} with apt", names.join(", ")), || {
            run(self.apt_get().args(options).args(names))
        })?;

        let mut unpacked = Unpacked { root: self.work.join("root"), ..Unpacked::default() };
        for archive in entries_with(&archives, "deb") {
            let (package, files) = self.unpack(&archive, &unpacked.root)?;
            downloaded(&package, &archive).context(FILE)?;
            let index = unpacked.packages.len();
            unpacked.packages.push(package);
            unpacked.owners.extend(files.into_iter().map(|file| (file, index)));
        }
        Ok(unpacked)
    }

    /// Fetches the package lists, once.
    fn update(&self) -> anyhow::Result<()> {
        let lists = self.work.join("state/lists");
        if lists.exists() {
            return Ok(());
        }
        fs::create_dir_all(lists.join("partial")).context(FILE)?;
        fs::create_dir_all(self.work.join("cache/archives/partial")).context(FILE)?;
        let update = || run(self.apt_get().arg("update"));
        if let Err(error) = timed("Fetching the package lists with apt", update) {
            // So that the next call tries again.
            fs::remove_dir_all(&lists).context(FILE)?;
            return Err(error);
        }
        Ok(())
    }

    fn apt_get(&self) -> Command {
        let mut command = Command::new("apt-get");
        command
            .env_clear()
            .envs(self.env)
            .env("DEBIAN_FRONTEND", "noninteractive")
            .env("LC_ALL", "C");
        let state = self.work.join("state");
        let cache = self.work.join("cache");
        for option in [
            format!("Dir::State={}", state.display()),
            format!("Dir::Cache={}", cache.display()),
            // What the image has is not fetched again.
            "Dir::State::status=/var/lib/dpkg/status".to_owned(),
            // Nobody else uses these folders, and locking needs root.
            "Debug::NoLocking=1".to_owned(),
            "Acquire::Languages=none".to_owned(),
            "Acquire::Retries=2".to_owned(),
            "Acquire::http::Timeout=30".to_owned(),
            "Acquire::https::Timeout=30".to_owned(),
            // Without it, an update that reached no server counts as a success.
            "APT::Update::Error-Mode=any".to_owned(),
        ] {
            command.args(["-o", &option]);
        }
        command.arg("-q");
        command
    }

    /// Unpacks an archive; returns the package and its files, relative to the root.
    fn unpack(&self, archive: &Path, root: &Path) -> anyhow::Result<(Package, Vec<PathBuf>)> {
        let mut dpkg_deb = Command::new("dpkg-deb");
        dpkg_deb.env_clear().envs(self.env);
        let listing = run(dpkg_deb.arg("--vextract").args([archive, root]))?;
        let files: Vec<PathBuf> =
            listing.lines().map(|line| PathBuf::from(line.trim_start_matches("./"))).collect();
        let mut dpkg_deb = Command::new("dpkg-deb");
        dpkg_deb.env_clear().envs(self.env);
        let format = "--showformat=${Package}\t${Version}\t${Architecture}";
        let fields = run(dpkg_deb.args(["--show", format]).arg(archive))?;
        let package =
            package(&fields, self.target, root, digest::sha256_of_file(archive).context(FILE)?);
        Ok((package, files))
    }
}
