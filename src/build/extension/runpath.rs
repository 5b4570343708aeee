//! Where an object in the layer finds its libraries. This is written into the object (`DT_RUNPATH`):
//! `LD_LIBRARY_PATH` would affect every process of the image, and take precedence over the system's own libraries.

use crate::system::files::{self, at};
use object_rewrite::Rewriter;
use std::fs;
use std::io;
use std::path::Path;

/// The folder of a layer for the libraries of its extensions. Not `lib`: the launcher would put that on
/// `LD_LIBRARY_PATH`, for every process of the image.
pub(super) const LIBRARIES: &str = "libraries";

/// Copies an object into the layer so that it finds its libraries in the system, else in the layer.
pub(super) fn copy_with_runpath(from: &Path, to: &Path) -> anyhow::Result<()> {
    let copied = fs::read(from).and_then(|bytes| with_runpath(&bytes, &runpath(to)));
    files::write(to, copied.map_err(at(to))?)
}

/// The system's folders come first: the layer's copies must not shadow libraries that a rebase has patched.
fn runpath(object: &Path) -> String {
    let multiarch = format!("/usr/lib/{}-linux-gnu", std::env::consts::ARCH);
    let beside = object.parent().is_some_and(|folder| folder.ends_with(LIBRARIES));
    let ours = if beside { "$ORIGIN".to_owned() } else { format!("$ORIGIN/../{LIBRARIES}") };
    [&multiarch, "/usr/lib64", "/usr/lib", &ours].join(":")
}

fn with_runpath(object: &[u8], runpath: &str) -> io::Result<Vec<u8>> {
    let mut rewriter = Rewriter::read(object).map_err(io::Error::other)?;
    rewriter.elf_set_runpath(runpath.into()).map_err(io::Error::other)?;
    let mut rewritten = Vec::new();
    rewriter.write(&mut rewritten).map_err(io::Error::other)?;
    Ok(rewritten)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_systems_libraries_come_before_the_layers() {
        let layer = Path::new("/layers/x/extension");
        let of = |object: &str| runpath(&layer.join(object));
        let system = format!("/usr/lib/{}-linux-gnu:/usr/lib64:/usr/lib", std::env::consts::ARCH);
        assert_eq!(of("extensions/redis.so"), format!("{system}:$ORIGIN/../libraries"));
        assert_eq!(of("libraries/libhashkit.so.2"), format!("{system}:$ORIGIN"));
    }

    #[test]
    fn what_is_no_object_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("from.so"), folder.path().join("to.so"));
        fs::write(&from, "this is no library").unwrap();
        let said = copy_with_runpath(&from, &to).unwrap_err().to_string();
        assert!(said.contains("to.so"), "{said}");
        assert!(!to.exists(), "{said}");
    }
}
