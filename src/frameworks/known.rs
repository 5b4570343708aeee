//! The frameworks and products that we know, recognized by packages and files that they always have. What each
//! does with sessions was read in its source; docs/frameworks.md lists sources and dates.

use super::composer::packages;
use crate::system::files::read_text;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// One table: a kind, its name, its Composer packages, its files, and where a file contains its version.
macro_rules! frameworks {
    ($($kind:ident: $name:literal, [$($package:literal),*], [$($file:literal),*], $version:expr;)*) => {
        /// A framework, or a product with its own session handling.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum Kind {
            $(#[doc = concat!("`", $name, "`.")] $kind,)*
        }

        impl Kind {
            pub(crate) fn name(self) -> &'static str {
                match self {
                    $(Self::$kind => $name,)*
                }
            }
        }

        const SIGNATURES: &[Signature] = &[$(Signature {
            kind: Kind::$kind,
            packages: &[$($package),*],
            files: &[$($file),*],
            version: $version,
        },)*];
    };
}

/// What a framework is recognized by.
struct Signature {
    kind: Kind,
    packages: &'static [&'static str],
    files: &'static [&'static str],
    /// A file, and the text before the version in it.
    version: Option<(&'static str, &'static str)>,
}

// A product comes before the framework it contains: Shopware is built on Symfony.
frameworks! {
    Shopware: "Shopware", ["shopware/core", "shopware/platform"], [], None;
    Nextcloud: "Nextcloud", ["nextcloud/server"], ["occ", "status.php", "version.php"],
        Some(("version.php", "$OC_VersionString = '"));
    PrestaShop: "PrestaShop", ["prestashop/prestashop"], ["config/defines.inc.php", "classes/Cookie.php"], None;
    Magento: "Magento", ["magento/magento2-base", "magento/product-community-edition", "magento/product-enterprise-edition", "mage-os/product-community-edition"],
        ["bin/magento"], None;
    OpenMage: "OpenMage", ["openmage/magento-lts"], ["app/Mage.php"], None;
    Drupal: "Drupal", ["drupal/core", "drupal/core-recommended"], ["core/lib/Drupal.php"],
        Some(("core/lib/Drupal.php", "const VERSION = '"));
    Typo3: "TYPO3", ["typo3/cms-core"], ["typo3/sysext/core/composer.json"], None;
    PhpBb: "phpBB", ["phpbb/phpbb", "phpbb/phpbb-core"], ["phpbb/session.php", "viewtopic.php"], None;
    Joomla: "Joomla", ["joomla/joomla-cms"], ["libraries/src/Version.php", "includes/framework.php"], None;
    Moodle: "Moodle", ["moodle/moodle"], ["lib/moodlelib.php"], Some(("version.php", "$release  = '"));
    WordPress: "WordPress", ["roots/wordpress", "roots/wordpress-no-content", "johnpbloch/wordpress"],
        ["wp-includes/version.php"], Some(("wp-includes/version.php", "$wp_version = '"));
    PhpMyAdmin: "phpMyAdmin", ["phpmyadmin/phpmyadmin"], ["config.sample.inc.php", "show_config_errors.php"], None;
    DokuWiki: "DokuWiki", ["splitbrain/dokuwiki"], ["doku.php", "inc/init.php"], Some(("VERSION", ""));
    Lumen: "Lumen", ["laravel/lumen-framework"], [], None;
    Laravel: "Laravel", ["laravel/framework"], ["artisan", "bootstrap/app.php"], None;
    Symfony: "Symfony", ["symfony/framework-bundle"], ["bin/console", "config/bundles.php"], None;
    CodeIgniter: "CodeIgniter", ["codeigniter4/framework"], ["spark", "app/Config/App.php"],
        Some(("system/CodeIgniter.php", "CI_VERSION = '"));
    CodeIgniter3: "CodeIgniter", ["codeigniter/framework"], ["system/core/CodeIgniter.php"],
        Some(("system/core/CodeIgniter.php", "CI_VERSION"));
    CakePhp: "CakePHP", ["cakephp/cakephp"], ["bin/cake"], None;
    Yii: "Yii", ["yiisoft/yii2"], ["yii", "config/web.php"], None;
    Laminas: "Laminas", ["laminas/laminas-mvc", "laminas/laminas-session", "mezzio/mezzio"], [], None;
    Slim: "Slim", ["slim/slim"], [], None;
}

/// The framework or product of an app.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Framework {
    /// Which one it is.
    pub kind: Kind,
    /// Its version, if the app tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
}

impl Framework {
    /// Finds the framework of the app.
    pub(crate) fn find(app_dir: &Path) -> Option<Self> {
        let packages = packages(app_dir);
        for known in SIGNATURES {
            let of_package = known.packages.iter().find_map(|name| packages.get(*name));
            if let Some(version) = of_package {
                let version = version.clone().or_else(|| known.version_of_file(app_dir));
                return Some(Self::new(known.kind, version));
            }
        }
        // Files only if Composer knows nothing: a package name is more reliable than a file name.
        let found = SIGNATURES.iter().find(|known| known.has_files(app_dir))?;
        Some(Self::new(found.kind, found.version_of_file(app_dir)))
    }

    fn new(kind: Kind, version: Option<String>) -> Self {
        let readable = |text: &String| {
            let allowed = |c: char| c.is_ascii_alphanumeric() || "._-+".contains(c);
            text.len() <= 40 && text.chars().all(allowed)
        };
        let version = version.map(|text| text.trim_start_matches('v').trim().to_owned());
        Self { kind, version: version.filter(readable).filter(|text| !text.is_empty()) }
    }

    pub(crate) fn major(&self) -> Option<u32> {
        self.version.as_ref()?.split('.').next()?.parse().ok()
    }
}

impl std::fmt::Display for Framework {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.kind.name())?;
        match &self.version {
            Some(version) => write!(formatter, " {version}"),
            None => Ok(()),
        }
    }
}

impl Signature {
    fn has_files(&self, app_dir: &Path) -> bool {
        !self.files.is_empty() && self.files.iter().all(|file| app_dir.join(file).is_file())
    }

    fn version_of_file(&self, app_dir: &Path) -> Option<String> {
        let (file, before) = self.version?;
        let text = read_text(&app_dir.join(file)).ok()?;
        let (_, rest) = text.split_once(before)?;
        let rest = rest.trim_start_matches(['\'', '"', ' ', '=', ',']);
        rest.split(['\'', '"', ' ', '\n']).next().map(str::to_owned)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::system::files::write;

    fn found(files: &[(&str, &str)]) -> Option<(Kind, Option<String>)> {
        let app = tempfile::tempdir().unwrap();
        for (name, text) in files {
            write(&app.path().join(name), text).unwrap();
        }
        Framework::find(app.path()).map(|found| (found.kind, found.version))
    }

    fn of(kind: Kind, version: &str) -> (Kind, Option<String>) {
        (kind, Some(version.to_owned()))
    }

    #[test]
    fn a_framework_is_known_by_its_package_and_what_is_installed_counts_most() {
        let required = r#"{"require": {"laravel/framework": "^10.10"}}"#;
        let locked = r#"{"packages": [{"name": "laravel/framework", "version": "v10.48.29"}]}"#;
        let installed = r#"{"packages": [{"name": "laravel/framework", "version": "v10.48.30"}]}"#;
        let composer_1 = r#"[{"name": "laravel/framework", "version": "v6.20.1"}]"#;
        let json = ("composer.json", required);
        assert_eq!(found(&[json]), Some((Kind::Laravel, None)));
        assert_eq!(found(&[json, ("composer.lock", locked)]), Some(of(Kind::Laravel, "10.48.29")));
        let vendor = "vendor/composer/installed.json";
        let both = [json, ("composer.lock", locked), (vendor, installed)];
        assert_eq!(found(&both), Some(of(Kind::Laravel, "10.48.30")));
        assert_eq!(found(&[(vendor, composer_1)]), Some(of(Kind::Laravel, "6.20.1")));
    }

    #[test]
    fn what_is_made_of_another_framework_is_not_taken_for_it() {
        let shopware =
            r#"{"require": {"symfony/framework-bundle": "*", "shopware/core": "6.6.0.0"}}"#;
        let files = [("composer.json", shopware), ("bin/console", ""), ("config/bundles.php", "")];
        assert_eq!(found(&files), Some((Kind::Shopware, None)));
        let lumen = r#"{"packages": [{"name": "laravel/lumen-framework", "version": "v10.0.4"}]}"#;
        let files = [("composer.lock", lumen), ("artisan", ""), ("bootstrap/app.php", "")];
        assert_eq!(found(&files), Some(of(Kind::Lumen, "10.0.4")));
        // A tool of the developers is not the app's.
        let dev = r#"{"packages": [], "packages-dev": [{"name": "slim/slim", "version": "4.0"}]}"#;
        assert_eq!(found(&[("composer.lock", dev)]), None);
    }

    #[test]
    fn without_composer_its_files_tell() {
        let php = "<?php\n$wp_version = '6.9.1';\n";
        assert_eq!(found(&[("wp-includes/version.php", php)]), Some(of(Kind::WordPress, "6.9.1")));
        assert_eq!(
            found(&[("artisan", ""), ("bootstrap/app.php", "")]),
            Some((Kind::Laravel, None))
        );
        assert_eq!(found(&[("artisan", ""), ("index.php", "")]), None);
        let of_3 = "system/core/CodeIgniter.php";
        for (php, version) in [
            ("const CI_VERSION = '3.1.13';", "3.1.13"),
            ("define('CI_VERSION', '3.0.6');", "3.0.6"),
        ] {
            assert_eq!(found(&[(of_3, php)]), Some(of(Kind::CodeIgniter3, version)), "{php}");
        }
        let doku = [("doku.php", ""), ("inc/init.php", ""), ("VERSION", "2024-02-06b \"Kaos\"\n")];
        assert_eq!(found(&doku), Some(of(Kind::DokuWiki, "2024-02-06b")));
    }

    #[test]
    fn files_that_cannot_be_read_spoil_nothing() {
        assert_eq!(found(&[("composer.json", "{"), ("composer.lock", "[1, {\"name\": 3}]")]), None);
    }
}
