//! Certificates and keys as files: PHP's TLS takes paths, and a service may give texts.

use crate::endpoint::pem::Pem;
use crate::endpoint::tls::{ClientIdentity, Tls};
use crate::php::tls::{ClientFiles, TlsFiles};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use tempfile::{Builder, NamedTempFile};

/// Where systems keep the certificates that they trust, in one file: Debian and Alpine, Red Hat.
const SYSTEM_AUTHORITIES: [&str; 3] =
    ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"];

/// Writable even in a container whose root file system is read-only: the kernel's shared memory.
const SHARED_MEMORY: &str = "/dev/shm";

/// No file can be written.
#[derive(Debug, thiserror::Error)]
#[error(
    "The service's certificate must be in a file, and none can be written:\n{tried}\nSet TMPDIR to a folder that the app's user can write to."
)]
pub struct TlsFilesError {
    tried: String,
}

/// Brings the texts into files that only the app's user can read. `with_system` adds the system's
/// authorities to the service's.
///
/// # Errors
///
/// Fails if no folder is writable.
pub fn write(tls: &Tls, with_system: bool, tmp: Option<&str>) -> Result<TlsFiles, TlsFilesError> {
    let folders = [Path::new(tmp.unwrap_or("/tmp")), Path::new(SHARED_MEMORY)];
    let file_of = |pem: &Pem| match pem.file() {
        Some(file) => Ok(file.to_owned()),
        None => keep(&folders, pem.text()),
    };
    let ca = match &tls.ca {
        Some(ca) if with_system => {
            Some(keep(&folders, &format!("{}\n{}", ca.text(), system_authorities()))?)
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

fn system_authorities() -> String {
    SYSTEM_AUTHORITIES
        .iter()
        .find_map(|path| std::fs::read_to_string(path).ok())
        .unwrap_or_default()
}

/// Writes a file that stays, into the first folder that can be written to.
fn keep(folders: &[&Path], text: &str) -> Result<PathBuf, TlsFilesError> {
    let mut tried = Vec::new();
    for folder in folders {
        match write_into(folder, text) {
            Ok(path) => return Ok(path),
            Err(error) => tried.push(format!("  - {}: {error}", folder.display())),
        }
    }
    Err(TlsFilesError { tried: tried.join("\n") })
}

/// The file's name cannot be foreseen, and its mode is 600 from the start.
fn write_into(folder: &Path, text: &str) -> io::Result<PathBuf> {
    let mut file: NamedTempFile =
        Builder::new().prefix("php-session-store-").suffix(".pem").tempfile_in(folder)?;
    file.write_all(text.as_bytes())?;
    let (_, path) = file.keep().map_err(|error| error.error)?;
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_file_is_for_its_owner_only_and_in_the_first_folder_that_takes_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = keep(&[Path::new("/nowhere"), folder.path()], "x").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "x");
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn where_none_takes_it_all_are_named() {
        let message =
            keep(&[Path::new("/nowhere"), Path::new("/proc")], "secret").unwrap_err().to_string();
        assert!(message.contains("/nowhere") && message.contains("/proc"), "{message}");
        assert!(message.contains("TMPDIR") && !message.contains("secret"), "{message}");
    }
}
