//! Reads files that others wrote, and writes our own.

use anyhow::{anyhow, ensure};
use nix::unistd::{getegid, geteuid};
use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// The maximum size of a file that we read. A Kubernetes Secret holds at most 1 MiB and Cloud Foundry's binding
/// files 1,000,000 bytes, so anything larger is not meant for us.
pub(crate) const MAX_BYTES: u64 = 16 * 1024 * 1024;

/// Reads a whole text file. Follows symbolic links: mounted Secrets consist of them.
///
/// Fails with what is wrong with the file, without its name. Never waits for a FIFO, never reads a device.
pub(crate) fn read_text(path: &Path) -> anyhow::Result<String> {
    let explained = |error| cannot_read(path, &error);
    // Opening a FIFO waits for its writer, so check first.
    ensure!(path.metadata().map_err(explained)?.is_file(), "is not a regular file");
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(explained)?;
    file.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(explained)?;
    ensure!(bytes.len() as u64 <= MAX_BYTES, "is larger than 16 MiB");
    // A common mistake.
    ensure!(
        !is_der(&bytes),
        "is a certificate or key in DER, not in PEM (`openssl x509 -inform der` converts a certificate)"
    );
    String::from_utf8(bytes).map_err(|_| anyhow!("is not UTF-8 text"))
}

/// Whether bytes look like a certificate or a key in DER: a sequence that is long.
pub(crate) fn is_der(bytes: &[u8]) -> bool {
    matches!(bytes, [0x30, 0x81 | 0x82, ..])
}

fn cannot_read(path: &Path, error: &io::Error) -> anyhow::Error {
    // Without a right to its folder, nothing is known about the file.
    let metadata = path.metadata().or_else(|_| path.parent().unwrap_or(path).metadata());
    match (error.kind(), metadata) {
        (io::ErrorKind::PermissionDenied, Ok(metadata)) => {
            anyhow!("cannot be read: {}", denied(&metadata))
        }
        _ => anyhow!("cannot be read: {error}"),
    }
}

/// Why the system denies access to a file or folder: whose it is, and who asks.
pub(crate) fn denied(metadata: &Metadata) -> String {
    let (owner, group, mode) = (metadata.uid(), metadata.gid(), metadata.mode() & 0o7777);
    let us = format!("{}:{}", geteuid(), getegid());
    format!(
        "Permission denied. It belongs to user and group {owner}:{group} with mode {mode:04o}, and this process runs as {us}"
    )
}

/// Like [`read_text`], but `None` for a missing file.
pub(crate) fn read_text_if_present(path: &Path) -> anyhow::Result<Option<String>> {
    match path.metadata() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        _ => read_text(path).map(Some),
    }
}

/// What is in a folder, in the order of the names; nothing if it cannot be listed.
pub(crate) fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = folder.read_dir().into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    paths.sort();
    paths
}

/// The same, with this extension in their names.
pub(crate) fn entries_with(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut paths = entries(folder);
    paths.retain(|path| path.extension().is_some_and(|it| it == extension));
    paths
}

/// Writes a file, and creates its parent folders.
pub(crate) fn write(path: &Path, content: impl AsRef<[u8]>) -> anyhow::Result<()> {
    make_parent(path).and_then(|()| std::fs::write(path, content)).map_err(at(path))
}

/// Creates a symbolic link and its parent folders.
pub(crate) fn link(to: &Path, link: &Path) -> anyhow::Result<()> {
    make_parent(link).and_then(|()| std::os::unix::fs::symlink(to, link)).map_err(at(link))
}

/// Removes a folder and its contents, if it exists.
pub(crate) fn remove(folder: &Path) -> anyhow::Result<()> {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(at(folder)(error)),
        _ => Ok(()),
    }
}

/// Turns the system's error into one that names the file.
pub(crate) fn at(path: &Path) -> impl FnOnce(io::Error) -> anyhow::Error {
    |error| anyhow!("The file {} cannot be written: {error}.", path.display())
}

fn make_parent(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), std::fs::create_dir_all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::unistd::{Uid, setfsuid};
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::process::Command;
    use std::thread;

    #[test]
    fn what_is_denied_says_whose_it_is_and_who_asks() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("password");
        fs::write(&file, "hunter2").unwrap();
        let uid = file.metadata().unwrap().uid();
        let read = |closed: &Path| {
            fs::set_permissions(closed, fs::Permissions::from_mode(0o000)).unwrap();
            let as_another = || {
                // Only root may, and only root has to. It holds for this thread alone.
                setfsuid(Uid::from_raw(65534));
                read_text(&file).unwrap_err().to_string()
            };
            let message = thread::scope(|scope| scope.spawn(as_another).join().unwrap());
            fs::set_permissions(closed, fs::Permissions::from_mode(0o700)).unwrap();
            message
        };
        for closed in [file.as_path(), folder.path()] {
            let message = read(closed);
            assert!(message.contains(&format!("belongs to user and group {uid}:")), "{message}");
            assert!(message.contains("with mode 0000, and this process runs as "), "{message}");
        }
    }

    #[test]
    fn odd_files_are_errors_and_never_wait() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        symlink(path("b"), path("a")).unwrap();
        symlink(path("a"), path("b")).unwrap();
        assert!(Command::new("mkfifo").arg(path("fifo")).status().unwrap().success());
        fs::write(path("binary"), [0xff, 0xfe]).unwrap();
        File::create(path("large")).unwrap().set_len(MAX_BYTES + 1).unwrap();

        for (name, expected) in [
            ("a", "cannot be read: "),
            ("fifo", "is not a regular file"),
            ("", "is not a regular file"),
            ("binary", "is not UTF-8 text"),
            ("large", "is larger than 16 MiB"),
        ] {
            let problem = read_text(&path(name)).unwrap_err().to_string();
            assert!(problem.starts_with(expected), "{name}: {problem}");
        }
        assert!(read_text_if_present(&path("missing")).unwrap().is_none());
    }
}
