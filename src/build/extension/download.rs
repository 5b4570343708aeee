//! Downloads a file with a known checksum, from its own site or from a mirror.

use crate::system::digest;
use anyhow::{Context, anyhow, ensure};
use std::fmt::Display;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;
use url::Url;

const TRIES: u32 = 3;
const TIMEOUT: Duration = Duration::from_mins(2);
/// The maximum size of a file; PHP extensions have less than a million bytes.
const MAX_BYTES: u64 = 64 * 1024 * 1024;
/// Placeholder in a mirror's path for the original host, as in Paketo's buildpacks; a parser has percent-encoded its braces.
const ORIGINAL_HOST: &str = "%7BoriginalHost%7D";

/// Downloads a file into the folder `into`, verifies its checksum (in hex) and returns its path.
pub(super) fn download(
    uri: &Url,
    sha256: &str,
    mirror: Option<&Url>,
    into: &Path,
) -> anyhow::Result<PathBuf> {
    let place = mirror.map_or_else(|| uri.clone(), |mirror| place_in(mirror, uri));
    let from = shown(&place);
    let path = into.join(uri.path().rsplit('/').next().unwrap_or_default());
    let cannot_write = || format!("{} cannot be written", path.display());
    fs::create_dir_all(into).with_context(cannot_write)?;
    match place.to_file_path() {
        Ok(file) if place.scheme() == "file" => {
            fs::copy(file, &path).with_context(|| format!("{from} cannot be read"))?;
        }
        _ => fetch(&place, &path)?,
    }
    let found = digest::sha256_of_file(&path).with_context(cannot_write)?;
    ensure!(
        found == sha256,
        "{from} is not the expected file: its SHA-256 is {found}, not {sha256}"
    );
    Ok(path)
}

/// The place of a file in a mirror, which has the files of other sites under the same paths.
fn place_in(mirror: &Url, uri: &Url) -> Url {
    let base = mirror.path().replacen(ORIGINAL_HOST, uri.host_str().unwrap_or_default(), 1);
    let mut place = mirror.clone();
    place.set_path(&format!("{}{}", base.trim_end_matches('/'), uri.path()));
    place
}

/// The uri without user and password, for messages.
fn shown(uri: &Url) -> String {
    let mut uri = uri.clone();
    // This fails only for a uri without a host, which has no password either.
    let _ = uri.set_username("");
    let _ = uri.set_password(None);
    uri.set_query(None);
    uri.to_string()
}

fn fetch(uri: &Url, path: &Path) -> anyhow::Result<()> {
    let mut tries = 1;
    loop {
        match try_fetch(uri, path) {
            Err(_) if tries < TRIES => tries += 1,
            result => return result,
        }
        std::thread::sleep(Duration::from_secs(1));
    }
}

fn try_fetch(uri: &Url, path: &Path) -> anyhow::Result<()> {
    let network = |error: &dyn Display| anyhow!("{} cannot be downloaded: {error}", shown(uri));
    let tls = ureq::tls::TlsConfig::builder()
        // The image's CAs: a company's mirror often uses the company's own CA.
        .root_certs(ureq::tls::RootCerts::PlatformVerifier)
        .build();
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .https_only(true)
        .timeout_global(Some(TIMEOUT))
        .timeout_connect(Some(Duration::from_secs(10)))
        .tls_config(tls)
        .build()
        .into();
    let response = agent.get(uri.as_str()).call().map_err(|error| network(&error))?;
    let mut body = response.into_body().into_reader().take(MAX_BYTES);
    let mut file =
        File::create(path).with_context(|| format!("{} cannot be written", path.display()))?;
    io::copy(&mut body, &mut file).map_err(|error| network(&error))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(mirror: &str) -> String {
        let uri = Url::parse("https://pecl.php.net/get/redis-6.2.0.tgz").unwrap();
        place_in(&mirror.parse().unwrap(), &uri).to_string()
    }

    #[test]
    fn a_mirror_has_the_same_paths() {
        assert_eq!(place("https://m.example"), "https://m.example/get/redis-6.2.0.tgz");
        assert_eq!(place("https://m.example/x/"), "https://m.example/x/get/redis-6.2.0.tgz");
        assert_eq!(
            place("https://m.example/{originalHost}"),
            "https://m.example/pecl.php.net/get/redis-6.2.0.tgz"
        );
        assert_eq!(place("file:///workspace/m"), "file:///workspace/m/get/redis-6.2.0.tgz");
    }

    #[test]
    fn a_mirrors_password_is_not_shown() {
        let mirror = Url::parse("https://user:hunter2@m.example/x?token=hunter2").unwrap();
        assert_eq!(shown(&mirror), "https://m.example/x");
    }

    #[test]
    fn a_file_with_another_checksum_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("get")).unwrap();
        fs::write(folder.path().join("get/x.tgz"), "hello").unwrap();
        let mirror: Url = format!("file://{}", folder.path().display()).parse().unwrap();
        let uri = Url::parse("https://pecl.php.net/get/x.tgz").unwrap();
        let fetch = |sha256| download(&uri, sha256, Some(&mirror), &folder.path().join("to"));
        let sha256 = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
        assert_eq!(fs::read_to_string(fetch(sha256).unwrap()).unwrap(), "hello");
        let message = fetch("00").unwrap_err().to_string();
        assert!(message.contains(sha256), "{message}");
        assert!(message.contains("not 00"), "{message}");
        fs::remove_file(folder.path().join("get/x.tgz")).unwrap();
        let message = format!("{:#}", fetch(sha256).unwrap_err());
        assert!(message.contains("get/x.tgz cannot be read"), "{message}");
    }
}
