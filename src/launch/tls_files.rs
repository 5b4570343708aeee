//! Certificates and keys as files: PHP's TLS needs paths, but credentials may contain the text.

use super::build_record::LaunchRecord;
use super::trusted_cas;
use crate::config::environment::Environment;
use crate::endpoint::Endpoint;
use crate::php;
use crate::php::tls::{ClientFiles, TlsFiles};
use crate::plan::Plan;
use crate::system::digest::sha256;
use crate::system::masked::masked;
use anyhow::bail;
use indoc::formatdoc;
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use store_client::{ClientIdentity, Pem};
use tempfile::{Builder, NamedTempFile};

const PREFIX: &str = "php-session-store-";
const SUFFIX: &str = ".pem";

/// Shared memory: writable even in a container with a read-only root file system.
const SHARED_MEMORY: &str = "/dev/shm";

/// Writes the texts to files that only the app's user can read. Where the service's CA is PHP's only one, the others that
/// PHP trusts are added to it.
pub(crate) fn tls_files(
    plan: &Plan,
    record: &LaunchRecord,
    environment: &Environment,
) -> anyhow::Result<TlsFiles> {
    let Endpoint::Redis(redis) = &plan.endpoint else { return Ok(TlsFiles::default()) };
    let Some(tls) = redis.tls() else { return Ok(TlsFiles::default()) };
    let mut folders = vec![Path::new("/tmp"), Path::new(SHARED_MEMORY)];
    folders.splice(0..0, environment.text("TMPDIR")?.map(Path::new));
    let file_of = |pem: &Pem| match &pem.file {
        Some(file) => Ok(file.to_owned()),
        None => keep(&folders, pem.text.expose()),
    };
    let ca = match &tls.ca {
        Some(ca) if php::redis_directives::shares_ca(redis, &record.extension_version) => {
            let LaunchRecord { openssl_cafile, openssl_capath, .. } = record;
            let others = trusted_cas::read(environment, openssl_cafile, openssl_capath)?;
            Some(keep(&folders, &format!("{}\n{others}", ca.text.expose()))?)
        }
        Some(ca) => Some(file_of(ca)?),
        None => None,
    };
    let client = match &tls.client {
        Some(ClientIdentity { certificate, key }) => {
            Some(ClientFiles { certificate: file_of(certificate)?, key: file_of(key)? })
        }
        None => None,
    };
    Ok(TlsFiles { ca, client })
}

/// A file with this text, in the first writable folder.
fn keep(folders: &[&Path], text: &str) -> anyhow::Result<PathBuf> {
    let mut tried = Vec::new();
    for folder in folders {
        match file_in(folder, text) {
            Ok(path) => return Ok(path),
            Err(error) => {
                let folder = folder.display().to_string();
                tried.push(format!("  - {}: {error}", masked(&folder)));
            }
        }
    }
    bail!(formatdoc! {"
        The service's certificate must be in a file, but none can be written:
        {}
        Set TMPDIR to a folder that the app's user can write to.",
        tried.join("\n")
    })
}

/// One file per text, so that a thousand starts in one container (a probe, a cron job) leave only one. Others may
/// be able to write to the folder, so an existing file is used only if nobody else can have created or can change
/// it; else the new file gets an unpredictable name. The mode is 600 from the start.
fn file_in(folder: &Path, text: &str) -> io::Result<PathBuf> {
    let name = format!("{PREFIX}{}{SUFFIX}", &sha256(text.as_bytes())[..16]);
    let path = folder.join(name);
    if is_ours(&path, folder, text)? {
        return Ok(path);
    }
    let mut file: NamedTempFile =
        Builder::new().prefix(PREFIX).suffix(SUFFIX).tempfile_in(folder)?;
    file.write_all(text.as_bytes())?;
    match file.persist_noclobber(&path) {
        Ok(_) => Ok(path),
        // A concurrent start was faster.
        Err(_) if is_ours(&path, folder, text)? => Ok(path),
        Err(error) => {
            let (_, path) = error.file.keep().map_err(|error| error.error)?;
            Ok(path)
        }
    }
}

/// Whether this file belongs to our user, nobody else can open it, and it has this text.
fn is_ours(path: &Path, folder: &Path, text: &str) -> io::Result<bool> {
    // A file created here has our process's owner.
    let Ok(file) = path.symlink_metadata() else { return Ok(false) };
    let owner = std::fs::metadata("/proc/self").or_else(|_| folder.metadata())?.uid();
    let private = file.is_file() && file.uid() == owner && file.mode() & 0o777 == 0o600;
    Ok(private && std::fs::read_to_string(path).is_ok_and(|there| there == text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;
    use std::sync::Barrier;
    use std::thread;

    #[test]
    fn a_file_is_for_its_owner_only_and_in_the_first_folder_that_takes_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = keep(&[Path::new("/nowhere"), folder.path()], "x").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "x");
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn one_text_has_one_file_however_often_the_container_starts() {
        let folder = tempfile::tempdir().unwrap();
        let path = file_in(folder.path(), "x").unwrap();
        assert_eq!(file_in(folder.path(), "x").unwrap(), path);
        assert_ne!(file_in(folder.path(), "y").unwrap(), path);
        assert_eq!(folder.path().read_dir().unwrap().count(), 2);
    }

    #[test]
    fn starts_at_the_same_moment_share_it() {
        for _ in 0..50 {
            let folder = tempfile::tempdir().unwrap();
            let start = Barrier::new(8);
            thread::scope(|scope| {
                for _ in 0..8 {
                    scope.spawn(|| {
                        start.wait();
                        file_in(folder.path(), "x").unwrap();
                    });
                }
            });
            assert_eq!(folder.path().read_dir().unwrap().count(), 1);
        }
    }

    #[test]
    fn a_file_that_somebody_else_may_have_made_is_not_taken() {
        let folder = tempfile::tempdir().unwrap();
        let path = file_in(folder.path(), "x").unwrap();
        let refused = || {
            let other = file_in(folder.path(), "x").unwrap();
            assert_ne!(other, path);
            assert_eq!(std::fs::read_to_string(other).unwrap(), "x");
        };
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o666)).unwrap();
        refused();
        std::fs::remove_file(&path).unwrap();
        std::os::unix::fs::symlink("/etc/passwd", &path).unwrap();
        refused();
        std::fs::remove_file(&path).unwrap();
        std::fs::write(&path, "planted").unwrap();
        refused();
    }

    #[test]
    fn where_none_takes_it_all_are_named() {
        let message =
            keep(&[Path::new("/nowhere"), Path::new("/proc")], "secret").unwrap_err().to_string();
        assert!(message.contains("/nowhere"), "{message}");
        assert!(message.contains("/proc"), "{message}");
        assert!(message.contains("TMPDIR"), "{message}");
        assert!(!message.contains("secret"), "{message}");
    }
}
