//! The socket's own folder, which only the app's user can enter.

use crate::system::digest::sha256;
use crate::system::masked::masked;
use nix::unistd::geteuid;
use std::fs::{self, DirBuilder, File, Metadata, Permissions, TryLockError};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use store_client::random;

/// Possible parents of the folder, in order; the last is writable even if the root file system is not.
const PARENTS: [&str; 2] = ["/tmp", "/dev/shm"];
/// A socket's path has at most 108 bytes, including the final NUL.
const LONGEST_PATH: usize = 107;
/// The length of a socket's own name: that of `redis.sock`, so that one path is no longer than the other.
const UNIQUE: usize = 10;

/// The folder of a proxy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place(pub(crate) PathBuf);

/// No folder can be used.
#[derive(Debug, thiserror::Error)]
#[error(
    "The session proxy has no folder for its socket:\n{tried}\nSet TMPDIR to a folder that the app's user can write to (an emptyDir volume or a tmpfs mounted at /tmp will do)."
)]
pub(crate) struct NoPlace {
    tried: String,
}

impl Place {
    /// Creates or finds the folder. `what` distinguishes proxies with the same user and the same `/tmp`.
    pub(crate) fn make(tmp: Option<&str>, what: &str) -> Result<Self, NoPlace> {
        let name = format!("php-session-store-{}-{}", geteuid(), &sha256(what.as_bytes())[..12]);
        let mut tried = Vec::new();
        for parent in tmp.into_iter().chain(PARENTS).map(Path::new) {
            let place = Self(parent.join(&name));
            match place.prepare() {
                Ok(()) => return Ok(place),
                Err(error) => {
                    let parent = parent.display().to_string();
                    tried.push(format!("  - {}: {error}", masked(&parent)));
                }
            }
        }
        Err(NoPlace { tried: tried.join("\n") })
    }

    /// The folder of a proxy that the platform runs as a sidecar, inside one that both containers share. Its name
    /// contains the user, because both must run as the same one.
    pub(crate) fn shared(folder: &Path) -> Self {
        Self(folder.join(format!("php-session-store-{}", geteuid())))
    }

    /// The folder.
    pub(crate) fn folder(&self) -> &Path {
        &self.0
    }

    /// The socket that PHP connects to: a link to the present one, each of which has a name of its own. So a process
    /// can tell whether PHP still reaches the one that it has.
    pub(crate) fn socket(&self) -> PathBuf {
        self.0.join("redis.sock")
    }

    /// Takes the lock: whoever holds it is the proxy. `None` if another process has it.
    pub(crate) fn lock(&self) -> io::Result<Option<File>> {
        let lock = File::create(self.0.join("lock"))?;
        match lock.try_lock() {
            Ok(()) => Ok(Some(lock)),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// Whether a lock is the one of this folder, and not of one that was removed.
    pub(crate) fn is_locked_by(&self, lock: &File) -> bool {
        let id = |metadata: io::Result<Metadata>| metadata.ok().map(|it| (it.dev(), it.ino()));
        let ours = id(lock.metadata());
        ours.is_some() && ours == id(fs::metadata(self.0.join("lock")))
    }

    /// Creates the socket, for whoever holds the lock. PHP finds the previous one until this one is ready.
    pub(crate) fn listen(&self) -> io::Result<UnixListener> {
        let name = &random()?[..UNIQUE];
        let path = self.0.join(name);
        let listener = UnixListener::bind(&path)?;
        fs::set_permissions(&path, Permissions::from_mode(socket_mode()))?;
        let previous = fs::read_link(self.socket());
        let link = self.0.join("next");
        // Left over, if we were killed right here.
        let _ = fs::remove_file(&link);
        symlink(name, &link)?;
        fs::rename(&link, self.socket())?;
        if let Some(previous) = previous.ok().as_deref().and_then(Path::file_name) {
            // It is of no use to anybody, and does no harm.
            let _ = fs::remove_file(self.0.join(previous));
        }
        Ok(listener)
    }

    /// Whether PHP reaches this listener.
    pub(crate) fn leads_to(&self, listener: &UnixListener) -> bool {
        let Ok(address) = listener.local_addr() else { return false };
        let ours = address.as_pathname().and_then(Path::file_name);
        let present = fs::read_link(self.socket());
        present.is_ok_and(|present| present.file_name() == ours) && self.socket().exists()
    }

    /// Unique to this container, and the same for all its workers.
    pub(crate) fn identity(&self) -> io::Result<String> {
        let file = self.0.join("identity");
        if let Ok(identity) = fs::read_to_string(&file)
            && !identity.is_empty()
        {
            return Ok(identity);
        }
        let identity = random()?;
        fs::write(&file, &identity)?;
        Ok(identity)
    }

    /// Creates the folder if necessary. Refuses a folder that somebody else created, who could read along.
    pub(crate) fn prepare(&self) -> io::Result<()> {
        if self.socket().as_os_str().len() > LONGEST_PATH {
            return Err(io::Error::other("its path is too long for a socket"));
        }
        match DirBuilder::new().mode(0o700).create(&self.0) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
        let folder = fs::symlink_metadata(&self.0)?;
        if !folder.is_dir() || folder.uid() != geteuid().as_raw() {
            return Err(io::Error::other("somebody else owns a file with the proxy's name"));
        }
        fs::set_permissions(&self.0, Permissions::from_mode(folder_mode()))?;
        // If the folder is left over, a read-only root file system shows only now.
        tempfile::tempfile_in(&self.0).map(drop)
    }
}

/// If we run as root, php-fpm's workers have other users, which we don't know.
fn folder_mode() -> u32 {
    if geteuid().is_root() { 0o711 } else { 0o700 }
}

fn socket_mode() -> u32 {
    if geteuid().is_root() { 0o666 } else { 0o600 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn a_folder_is_made_once_and_is_for_its_owner() {
        let tmp = tempfile::tempdir().unwrap();
        let tmp = tmp.path().to_str();
        let place = Place::make(tmp, "a").unwrap();
        let mode = place.folder().metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, folder_mode());
        assert_eq!(Place::make(tmp, "a").unwrap(), place);
        assert_ne!(Place::make(tmp, "b").unwrap(), place);
    }

    #[test]
    fn a_folder_that_is_no_folder_is_not_taken() {
        let tmp = tempfile::tempdir().unwrap();
        let path = tmp.path().to_str();
        let place = Place::make(path, "a").unwrap();
        fs::remove_dir(place.folder()).unwrap();
        symlink("/etc", place.folder()).unwrap();
        assert!(place.prepare().is_err());
        assert!(!Place::make(path, "a").unwrap().folder().starts_with(tmp.path()));
    }

    #[test]
    fn a_folder_whose_name_is_too_long_for_a_socket_is_passed_over() {
        let tmp = tempfile::tempdir().unwrap();
        let long = tmp.path().join("x".repeat(100));
        fs::create_dir(&long).unwrap();
        assert!(!Place::make(long.to_str(), "a").unwrap().folder().starts_with(&long));
    }
}
