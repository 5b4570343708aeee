//! phpize and php-config of a PHP that is not where it was compiled to be: buildpacks unpack PHP into a layer
//! (Paketo's php-dist was configured for `/tmp/ports/php`; Heroku's rewrites php-config but not phpize).

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// The tools as they are, or copies in `folder` that know where PHP is.
pub(super) fn in_place(
    phpize: PathBuf,
    php_config: PathBuf,
    php: &Path,
    folder: &Path,
) -> io::Result<(PathBuf, PathBuf)> {
    let (script, Some(actual)) =
        (fs::read_to_string(&phpize)?, php.parent().and_then(Path::parent))
    else {
        return Ok((phpize, php_config));
    };
    let Some(configured) = configured_prefix(&script) else { return Ok((phpize, php_config)) };
    if Path::new(configured) == actual || Path::new(configured).join("lib/php/build").is_dir() {
        return Ok((phpize, php_config));
    }
    fs::create_dir_all(folder)?;
    let adapt = |name: &str, text: &str| {
        let copy = folder.join(name);
        fs::write(&copy, text.replace(configured, &actual.display().to_string()))?;
        fs::set_permissions(&copy, fs::Permissions::from_mode(0o755))?;
        Ok::<_, io::Error>(copy)
    };
    let config = fs::read_to_string(&php_config)?;
    Ok((adapt("phpize", &script)?, adapt("php-config", &config)?))
}

/// The prefix that PHP was configured with, as its scripts say: `prefix='/tmp/ports/php'`.
fn configured_prefix(script: &str) -> Option<&str> {
    let value = script.lines().find_map(|line| line.strip_prefix("prefix="))?;
    Some(value.trim_matches(['\'', '"']))
        .filter(|prefix| prefix.len() > 1 && prefix.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tools(prefix: &str) -> (tempfile::TempDir, io::Result<(PathBuf, PathBuf)>) {
        let layer = tempfile::tempdir().unwrap();
        let bin = layer.path().join("bin");
        fs::create_dir(&bin).unwrap();
        fs::write(bin.join("phpize"), format!("#!/bin/sh\nprefix='{prefix}'\nphpdir={prefix}/lib"))
            .unwrap();
        fs::write(bin.join("php-config"), format!("dir={prefix}/include")).unwrap();
        let copies = layer.path().join("copies");
        let found = in_place(bin.join("phpize"), bin.join("php-config"), &bin.join("php"), &copies);
        (layer, found)
    }

    #[test]
    fn tools_of_a_php_that_was_moved_are_copied_with_its_place() {
        let (layer, found) = tools("/no/such/prefix");
        let (phpize, php_config) = found.unwrap();
        let expected = format!("phpdir={}/lib", layer.path().display());
        assert!(fs::read_to_string(&phpize).unwrap().ends_with(&expected));
        assert!(!fs::read_to_string(php_config).unwrap().contains("/no/such"));
        assert_eq!(phpize.metadata().unwrap().permissions().mode() & 0o777, 0o755);
    }

    #[test]
    fn tools_of_a_php_in_its_place_are_taken_as_they_are() {
        // Debian's phpize computes its prefix.
        let (layer, found) = tools("`dirname $0`");
        assert_eq!(found.unwrap().0, layer.path().join("bin/phpize"));
    }
}
