//! The shared libraries that a layer must include for the extensions it loads into PHP.

use crate::config::environment::prepend_paths;
use crate::system::command::{command, run};
use anyhow::anyhow;
use libcnb::Env;
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// The libraries that `objects` need and PHP itself does not: the run image has what PHP needs, but may lack
/// anything else, even what this build image has. They are searched in `dirs` first.
pub(super) fn needed(
    env: &Env,
    objects: &[PathBuf],
    dirs: &[PathBuf],
    php: &Path,
) -> anyhow::Result<BTreeSet<PathBuf>> {
    let names_of = |libraries: Vec<PathBuf>| -> BTreeSet<OsString> {
        libraries.iter().filter_map(|path| path.file_name().map(OsString::from)).collect()
    };
    let of_php = names_of(libraries_of(env, php, &[])?);
    let mut needed = BTreeSet::new();
    for object in objects {
        needed.extend(
            libraries_of(env, object, dirs)?
                .into_iter()
                .filter(|path| path.file_name().is_some_and(|name| !of_php.contains(name))),
        );
    }
    Ok(needed)
}

/// All libraries that the dynamic linker would load for `object`.
fn libraries_of(env: &Env, object: &Path, dirs: &[PathBuf]) -> anyhow::Result<Vec<PathBuf>> {
    let mut env = env.clone();
    prepend_paths(&mut env, "LD_LIBRARY_PATH", dirs);
    let answer = run(command(&env, "ldd").arg(object))?;
    parse(&answer).map_err(|library| {
        let object = object.display();
        anyhow!("{object} needs the library {library}, which is neither in the image nor in the fetched packages")
    })
}

/// The paths in `ldd`'s output, `libz.so.1 => /lib/libz.so.1 (0x…)`; fails with the name of a missing library.
fn parse(answer: &str) -> Result<Vec<PathBuf>, String> {
    let mut paths = Vec::new();
    for line in answer.lines() {
        let Some((name, path)) = line.trim().split_once(" => ") else { continue };
        if path.starts_with("not found") {
            return Err(name.to_owned());
        }
        paths.push(PathBuf::from(path.rsplit_once(" (").map_or(path, |(path, _)| path)));
    }
    Ok(paths)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loaders_answer_is_read() {
        let answer = "\tlinux-vdso.so.1 (0x00007fb3e365e000)\n\
            \tlibm.so.6 => /lib/x86_64-linux-gnu/libm.so.6 (0x00007fb3e2fe2000)\n\
            \t/lib64/ld-linux-x86-64.so.2 (0x00007fb3e3660000)\n";
        assert_eq!(parse(answer), Ok(vec![PathBuf::from("/lib/x86_64-linux-gnu/libm.so.6")]));
        assert_eq!(parse("\tlibx.so.1 => not found\n"), Err("libx.so.1".to_owned()));
        assert_eq!(parse("\tstatically linked\n"), Ok(vec![]));
    }

    #[test]
    fn what_php_needs_too_is_not_carried() {
        let env = Env::from_current();
        let shell = Path::new("/bin/sh");
        assert!(needed(&env, &[shell.to_owned()], &[], shell).unwrap().is_empty());
        let cat = Path::new("/usr/bin/openssl");
        let carried = needed(&env, &[cat.to_owned()], &[], shell).unwrap();
        assert!(carried.iter().all(|path| path.is_file()), "{carried:?}");
        assert!(!carried.is_empty(), "{carried:?}");
    }
}
