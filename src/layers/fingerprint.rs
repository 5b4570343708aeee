//! The fingerprint of a verification: a checksum of all that its outcome depends on. The image's label keeps it, so that
//! the next build need not start PHP again if nothing has changed. Where something is unknown, there is no fingerprint.

use super::extension::ProvidedExtension;
use super::session_settings::SessionSettings;
use crate::php::script::program;
use crate::php::{PHP_INI_SCAN_DIR, Php};
use crate::system::digest::{sha256, sha256_of_file};
use crate::system::files::read_text;
use crate::system::sasl::SASL_PATH;
use libcnb::Env;
use std::collections::BTreeSet;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// The variables that decide which files PHP and the system's loader read. Others may hold credentials.
const VARIABLES: [&str; 6] =
    ["PATH", "LD_LIBRARY_PATH", "LD_PRELOAD", "PHPRC", PHP_INI_SCAN_DIR, SASL_PATH];

/// What the distribution's packages are, by their versions: Debian, Alpine, and Red Hat's family.
const PACKAGE_DATABASES: [&str; 6] = [
    "var/lib/dpkg/status",
    "lib/apk/db/installed",
    "usr/lib/apk/db/installed",
    "var/lib/rpm/rpmdb.sqlite",
    "usr/lib/sysimage/rpm/rpmdb.sqlite",
    "var/lib/rpm/Packages",
];

/// Where the distribution's packages keep programs and libraries.
const DISTRIBUTION: [&str; 4] = ["/usr", "/bin", "/lib", "/lib64"];

/// Words in the names of settings that may be credentials.
const CREDENTIALS: [&str; 10] =
    ["pass", "pw", "auth", "secret", "token", "key", "license", "credential", "sasl", "dsn"];

/// What PHP is verified with, beside the image.
#[derive(Debug)]
pub(super) struct Inputs<'a> {
    /// The checksum of our program, which decides what PHP must answer.
    pub(super) program: &'a str,
    pub(super) php: &'a Php,
    pub(super) env: &'a Env,
    pub(super) settings: &'a SessionSettings<'a>,
    /// The session layer's files that PHP reads.
    pub(super) own_files: Vec<PathBuf>,
    pub(super) extension: &'a ProvidedExtension,
}

impl Inputs<'_> {
    /// The fingerprint, unless something is unknown, or an ini file may hold a credential: not even a checksum of
    /// one belongs in an image.
    #[must_use]
    pub(super) fn fingerprint(&self) -> Option<String> {
        let mut known = vec![self.program.to_owned(), packages(Path::new("/"))?];
        known.extend(VARIABLES.map(|name| format!("{name}={:?}", self.env.get(name))));
        known.push(format!("{:?}", self.extension.files));
        let mut code = BTreeSet::from([program(self.env).ok()?]);
        let mut ini_files = BTreeSet::new();
        for program in self.php.programs() {
            let facts = &program.facts;
            if facts.code.is_empty() || may_hold_credential(&setting_of(&facts.save_path)) {
                return None;
            }
            known.push(format!("{program:?}"));
            code.extend(facts.code.iter().cloned());
            code.extend(self.settings.objects().map(|object| facts.extension_dir.join(object)));
            ini_files.extend(facts.ini_files.iter().cloned());
        }
        for file in code {
            known.push(format!("{} {}", file.display(), stamp(&file)?));
        }
        for file in &self.own_files {
            known.push(format!("{} {}", file.display(), read_text(file).ok()?));
        }
        for file in ini_files {
            let text = read_text(&file).ok().filter(|text| !may_hold_credential(text))?;
            known.push(format!("{} {text}", file.display()));
        }
        Some(sha256(known.join("\n").as_bytes()))
    }
}

fn setting_of(save_path: &str) -> String {
    format!("session.save_path = {save_path}")
}

/// The checksums of the package databases, if there is one.
fn packages(root: &Path) -> Option<String> {
    let found: Vec<PathBuf> =
        PACKAGE_DATABASES.iter().map(|file| root.join(file)).filter(|file| file.exists()).collect();
    let sums: Vec<String> =
        found.iter().map(|file| sha256_of_file(file).ok()).collect::<Option<_>>()?;
    (!sums.is_empty()).then(|| sums.join(" "))
}

/// Tells a file from its other versions. Those of the distribution are many megabytes, and its package database knows
/// them; size and time are for those that no package has brought.
fn stamp(file: &Path) -> Option<String> {
    let of_distribution = DISTRIBUTION.iter().any(|folder| file.starts_with(folder));
    if of_distribution && !file.starts_with("/usr/local") {
        let metadata = file.metadata().ok()?;
        let (size, seconds, nanoseconds) =
            (metadata.size(), metadata.mtime(), metadata.mtime_nsec());
        return Some(format!("{size} {seconds}.{nanoseconds}"));
    }
    sha256_of_file(file).ok()
}

/// Whether a setting in this ini file may be a credential, or come from a variable.
fn may_hold_credential(ini: &str) -> bool {
    let settings = ini.lines().map(str::trim).filter(|line| !line.starts_with(';'));
    settings.filter_map(|line| line.split_once('=')).any(|(name, value)| {
        let name = name.to_ascii_lowercase();
        let value = value.trim().trim_matches('"');
        !value.is_empty()
            && (CREDENTIALS.iter().any(|word| name.contains(word))
                || ["://", "@", "${"].iter().any(|sign| value.contains(sign)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::system::files::write;

    #[test]
    fn an_ini_file_that_may_hold_a_credential_is_told_from_others() {
        for ini in [
            "session.save_path = \"tcp://redis:6379?auth=x\"",
            "redis.clusters.auth = x",
            "memcached.sess_sasl_password=x",
            "newrelic.license = \"x\"",
            "[x]\n  mysqli.default_pw = x",
            "x = ${PASSWORD}",
            "sendmail_from = me@example.com",
        ] {
            assert!(may_hold_credential(ini), "{ini}");
        }
        for ini in [
            "; session.save_path = \"tcp://redis\"",
            "mysqli.default_pw =",
            "mysqli.default_pw = \"\" ",
            "error_reporting = E_ALL & ~E_DEPRECATED",
            "session.save_path = /var/lib/php/sessions",
            "extension=redis.so",
        ] {
            assert!(!may_hold_credential(ini), "{ini}");
        }
    }

    #[test]
    fn another_package_makes_another_sum_and_no_database_none() {
        let root = tempfile::tempdir().unwrap();
        assert_eq!(packages(root.path()), None);
        for database in PACKAGE_DATABASES {
            let before = packages(root.path());
            write(&root.path().join(database), "libmemcached11 1.1").unwrap();
            let first = packages(root.path());
            write(&root.path().join(database), "libmemcached11 1.2").unwrap();
            let second = packages(root.path());
            assert!(before != first && first != second && second.is_some(), "{database}");
        }
    }

    #[test]
    fn a_file_that_no_package_brings_is_known_by_its_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("redis.so");
        assert_eq!(stamp(&file), None);
        write(&file, "1").unwrap();
        let time = file.metadata().unwrap().modified().unwrap();
        let first = stamp(&file);
        write(&file, "2").unwrap();
        std::fs::File::open(&file).unwrap().set_modified(time).unwrap();
        assert_ne!(first, stamp(&file));
        assert_ne!(stamp(Path::new("/bin/sh")), None);
    }
}
