//! php-fpm's configuration: a pool's settings beat every ini file.

use crate::config::environment::Environment;
use crate::php::fpm::{PHP_FPM_PATH, directive};
use crate::system::files::entries;
use glob::glob;
use std::fs;
use std::path::{Path, PathBuf};

/// The process title of php-fpm's master.
const MASTER: &str = "php-fpm: master process (";
/// Includes may be circular.
const MAX_FILES: usize = 1000;

/// The configuration files and their includes: those of running masters, else in the usual places of PHP and
/// buildpacks. `configuration_dir` is the folder of php.ini.
pub(super) fn files(
    proc: &Path,
    environment: &Environment,
    configuration_dir: &Path,
) -> Vec<PathBuf> {
    let mut roots = running(proc);
    if roots.is_empty() {
        roots.extend(environment.text(PHP_FPM_PATH).ok().flatten().map(PathBuf::from));
        let parent = configuration_dir.parent().unwrap_or(configuration_dir);
        let debian = parent.join("fpm");
        for folder in [configuration_dir, parent, &debian, Path::new("/etc")] {
            roots.push(folder.join("php-fpm.conf"));
        }
    }
    with_includes(roots)
}

fn running(proc: &Path) -> Vec<PathBuf> {
    let processes = entries(proc).into_iter();
    let titles = processes.filter_map(|it| fs::read_to_string(it.join("cmdline")).ok());
    titles.filter_map(|title| configuration_of_master(&title)).collect()
}

fn configuration_of_master(title: &str) -> Option<PathBuf> {
    let (path, _) = title.strip_prefix(MASTER)?.rsplit_once(')')?;
    Some(PathBuf::from(path))
}

fn with_includes(roots: Vec<PathBuf>) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = Vec::new();
    let mut left = roots;
    while let Some(path) = left.pop() {
        let Ok(path) = path.canonicalize() else { continue };
        if !path.is_file() || files.contains(&path) || files.len() == MAX_FILES {
            continue;
        }
        let text = fs::read(&path).unwrap_or_default();
        for line in String::from_utf8_lossy(&text).lines() {
            if let Some(("include", pattern)) = directive(line) {
                let pattern = path.with_file_name(pattern);
                left.extend(glob(&pattern.to_string_lossy()).into_iter().flatten().flatten());
            }
        }
        files.push(path);
    }
    files.sort();
    files
}

/// The PHP setting in a line of a pool, and its value.
pub(super) fn setting(line: &str) -> Option<(&str, &str)> {
    let (name, value) = directive(line)?;
    let (kind, name) = name.strip_suffix(']')?.split_once('[')?;
    let kinds = ["php_value", "php_admin_value", "php_flag", "php_admin_flag"];
    kinds.contains(&kind.trim()).then_some((name.trim(), value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn includes_are_followed_even_in_a_circle() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        let pools = folder.path().join("pool.d").display().to_string();
        write("php-fpm.conf", &format!("[global]\n;include=/no.conf\ninclude={pools}/*.conf\n"));
        write("pool.d/www.conf", "[www]\ninclude = more/extra.conf\n");
        write("pool.d/off.conf.bak", "");
        write("pool.d/more/extra.conf", "include=../www.conf");
        let root = folder.path().join("php-fpm.conf");
        let files = with_includes(vec![root]);
        let names: Vec<_> = files.iter().filter_map(|file| file.file_name()).collect();
        assert_eq!(names, ["php-fpm.conf", "extra.conf", "www.conf"], "{files:?}");
    }

    #[test]
    fn a_pool_sets_what_it_sets_and_not_what_a_comment_says() {
        let expected = Some(("session.save_handler", "files"));
        for line in [
            "php_value[session.save_handler] = files",
            "  php_admin_value[ session.save_handler ]=\"files\" ; RHEL's",
        ] {
            assert_eq!(setting(line), expected, "{line}");
        }
        for line in [";php_value[session.save_handler] = files", "env[X] = php_value[y]", "[www]"] {
            assert_eq!(setting(line), None, "{line}");
        }
    }

    #[test]
    fn a_running_master_says_where_its_configuration_is() {
        let title = "php-fpm: master process (/workspace/fpm.conf)";
        assert_eq!(configuration_of_master(title), Some(PathBuf::from("/workspace/fpm.conf")));
        assert_eq!(configuration_of_master("php-fpm: pool www"), None);
    }
}
