//! The CAs that PHP's TLS trusts by default. If the service's CA can only be set for all of PHP (phpredis 5.3),
//! these must stay trusted.

use crate::config::environment::{Environment, EnvironmentError};
use crate::system::files::{entries, read_text};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// OpenSSL's variables: a file, and folders separated by `:`. Paketo's ca-certificates buildpack sets both.
const SSL_CERT_FILE: &str = "SSL_CERT_FILE";
const SSL_CERT_DIR: &str = "SSL_CERT_DIR";
/// Where systems keep their trusted CAs in one file: Debian and Alpine, Red Hat.
const SYSTEM: [&str; 3] =
    ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"];
const BEGIN: &str = "-----BEGIN CERTIFICATE-----";

/// The CAs that PHP trusts, as PEM: from its own settings `openssl.cafile` and `openssl.capath`, else from OpenSSL's
/// variables, else the system's. Like OpenSSL, skips files that cannot be read.
pub(super) fn read(
    environment: &Environment,
    cafile: &str,
    capath: &str,
) -> Result<String, EnvironmentError> {
    let set = |text: &'static str| environment.text(text).map(Option::unwrap_or_default);
    // PHP uses OpenSSL's defaults only if neither setting is set.
    let (file, folders) = if cafile.is_empty() && capath.is_empty() {
        (set(SSL_CERT_FILE)?, set(SSL_CERT_DIR)?)
    } else {
        (cafile, capath)
    };
    let mut files = Vec::new();
    if file.is_empty() && capath.is_empty() {
        files.extend(SYSTEM.iter().map(PathBuf::from).find(|path| path.is_file()));
    } else {
        files.push(PathBuf::from(file));
    }
    let folders = folders.split(':').filter(|folder| !folder.is_empty());
    // A folder has each certificate under its name, and under its hash as a link to that.
    let in_folders: BTreeSet<PathBuf> = folders
        .flat_map(|folder| entries(Path::new(folder)))
        .filter_map(|path| path.canonicalize().ok())
        .collect();
    files.extend(in_folders);
    let texts = files.iter().filter_map(|file| read_text(file).ok());
    let certificates = texts.filter(|text| text.contains(BEGIN));
    Ok(certificates.map(|text| text.trim_end().to_owned() + "\n").collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use libcnb::Env;

    #[test]
    fn phps_own_settings_beat_openssls_variables() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).display().to_string();
        let certificate = |name: &str| {
            let text = format!("{BEGIN}\n{name}\n-----END CERTIFICATE-----\n");
            crate::system::files::write(&folder.path().join(name), &text).unwrap();
            text
        };
        let [file, in_folder, of_variable] = ["file", "folder/0", "variable"].map(certificate);
        let mut env = Env::new();
        env.insert(SSL_CERT_FILE, path("variable"));
        let environment = Environment::of(env);
        let read = |file: &str, folder: &str| read(&environment, file, folder).unwrap();
        assert_eq!(read("", ""), of_variable);
        assert_eq!(read(&path("file"), ""), file);
        assert_eq!(read("", &path("folder")), in_folder);
        assert_eq!(read(&path("file"), &path("folder")), file + &in_folder);
    }
}
