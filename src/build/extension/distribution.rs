//! How to install an extension on each distribution.

use super::apt::package_name;
use crate::store::Store;
use crate::system::version::Version;
use std::path::Path;

/// The command for an image of this distribution, for messages. `distro` is the name in `os-release`.
pub(super) fn install(distro: &str, binary: &Path, php: &Version, store: Store) -> String {
    if !binary.starts_with("/usr/bin") {
        return format!(
            "{} is not the distribution's: its own pecl install {store}",
            binary.display()
        );
    }
    let series = php.major_minor();
    match distro {
        "alpine" => format!("on Alpine: apk add php{}-pecl-{store}", series.replace('.', "")),
        "rhel" | "centos" | "rocky" | "almalinux" | "fedora" => {
            format!(
                "on Red Hat and its relatives: dnf install php-devel php-pear, then pecl install {store}"
            )
        }
        "ubuntu" => format!("on Ubuntu: apt-get install {}", package_name(php, store)),
        _ => format!("on Debian: apt-get install {}", package_name(php, store)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_distribution_has_its_own_names() {
        let php: Version = "8.3.12".parse().unwrap();
        for (distro, expected) in [
            ("alpine", "on Alpine: apk add php83-pecl-redis"),
            (
                "rhel",
                "on Red Hat and its relatives: dnf install php-devel php-pear, then pecl install redis",
            ),
            ("ubuntu", "on Ubuntu: apt-get install php8.3-redis"),
            ("debian", "on Debian: apt-get install php8.3-redis"),
        ] {
            let of_distribution = Path::new("/usr/bin/php8.3");
            assert_eq!(install(distro, of_distribution, &php, Store::Redis), expected);
            let of_layer = install(distro, Path::new("/layers/php/bin/php"), &php, Store::Redis);
            assert!(
                of_layer.contains("pecl install redis") && !of_layer.contains("apt"),
                "{of_layer}"
            );
        }
    }
}
