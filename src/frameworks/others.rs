//! The frameworks that use PHP's own sessions, and those that keep their own.

use super::known::Kind;
use super::session_use::{OwnSessions, SessionUse};
use super::store_variables::PREFIX;
use crate::system::files::read_text;
use std::path::Path;

/// Drupal's service that keeps sessions; an app's file may replace it.
const DRUPAL_STORAGE: &str = "session_handler.storage";
const MAGENTO: &str = "app/etc/env.php";

pub(super) fn session_use(kind: Kind, app_dir: &Path) -> SessionUse {
    let (keeps, files): (&str, &[&str]) = match kind {
        Kind::Magento => return magento(app_dir),
        Kind::WordPress => return SessionUse::None,
        Kind::Drupal => (
            "its database, which all instances share",
            &[
                "sites/default/settings.php",
                "web/sites/default/settings.php",
                "docroot/sites/default/settings.php",
                "sites/default/services.yml",
                "web/sites/default/services.yml",
                "docroot/sites/default/services.yml",
            ],
        ),
        Kind::Typo3 => (
            "its database, which all instances share",
            &[
                "config/system/additional.php",
                "typo3conf/AdditionalConfiguration.php",
                "public/typo3conf/AdditionalConfiguration.php",
            ],
        ),
        Kind::PhpBb => ("its database, which all instances share", &[]),
        Kind::Joomla => {
            ("what configuration.php says, its database by default", &["configuration.php"])
        }
        Kind::Moodle => {
            ("what config.php says, files in its data folder by default", &["config.php"])
        }
        Kind::OpenMage => ("what app/etc/local.xml says", &[]),
        _ => return SessionUse::Php,
    };
    if let Some(file) = files.iter().find(|file| reads_ours(&app_dir.join(file))) {
        return SessionUse::Configured(format!("{file} says where sessions are"));
    }
    own(kind, keeps)
}

fn own(kind: Kind, keeps: &str) -> SessionUse {
    let advice = match kind {
        Kind::PhpBb => "That is fine: it has no other place for them.",
        Kind::Magento => {
            "Set 'save' => 'files' there, which means PHP's own sessions (docs/frameworks.md)."
        }
        _ => "docs/frameworks.md has the lines that move them to the service.",
    };
    SessionUse::Own(OwnSessions::new(format!("it keeps them in {keeps}"), advice))
}

/// Magento uses PHP's own sessions if `save` is `files`, the default.
fn magento(app_dir: &Path) -> SessionUse {
    let text = read_text(&app_dir.join(MAGENTO)).unwrap_or_default();
    if text.contains(PREFIX) {
        return SessionUse::Configured(format!("{MAGENTO} reads {PREFIX}…"));
    }
    match save_of_magento(&text) {
        None | Some("files") => SessionUse::Php,
        Some(_) => own(Kind::Magento, &format!("what {MAGENTO} says")),
    }
}

/// `'session' => ['save' => '…'`.
fn save_of_magento(text: &str) -> Option<&str> {
    let (_, session) = text.split_once("'session'")?;
    let (_, save) = session.split_once("'save'")?;
    save.split('\'').nth(1)
}

fn reads_ours(path: &Path) -> bool {
    read_text(path).is_ok_and(|text| text.contains(PREFIX) || text.contains(DRUPAL_STORAGE))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::system::files::write;

    fn of(kind: Kind, files: &[(&str, &str)]) -> SessionUse {
        let app = tempfile::tempdir().unwrap();
        for (name, text) in files {
            write(&app.path().join(name), text).unwrap();
        }
        session_use(kind, app.path())
    }

    #[test]
    fn magento_is_as_its_configuration_says() {
        let env = |save: &str| {
            let text = format!("<?php return ['cache' => [], 'session' => ['save' => '{save}']];");
            of(Kind::Magento, &[(MAGENTO, &text)])
        };
        assert_eq!(of(Kind::Magento, &[]), SessionUse::Php);
        assert_eq!(env("files"), SessionUse::Php);
        for save in ["redis", "db", "valkey"] {
            assert!(matches!(env(save), SessionUse::Own(_)));
        }
        let ours = "['session' => ['save' => 'redis', 'redis' => ['host' => getenv('PHP_SESSION_STORE_HOST')]]]";
        assert!(matches!(of(Kind::Magento, &[(MAGENTO, ours)]), SessionUse::Configured(_)));
    }

    #[test]
    fn who_keeps_its_own_is_told_unless_its_configuration_reads_ours() {
        assert!(matches!(of(Kind::Drupal, &[]), SessionUse::Own(_)));
        let settings = ("web/sites/default/settings.php", "getenv('PHP_SESSION_STORE_HOST')");
        assert!(matches!(of(Kind::Drupal, &[settings]), SessionUse::Configured(_)));
        assert_eq!(of(Kind::Slim, &[]), SessionUse::Php);
    }
}
