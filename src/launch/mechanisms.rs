//! libsasl2's mechanism plugins, without which no PHP extension logs in to Memcached.

use std::path::Path;

/// Whether the image has none, where Debian, Red Hat and Alpine have them.
pub(super) fn are_missing() -> bool {
    let lib = Path::new("/usr/lib");
    // Debian has a folder for each architecture in it.
    let in_lib = lib.read_dir().into_iter().flatten().flatten().map(|entry| entry.path());
    let mut folders = in_lib.chain([lib.to_owned(), "/usr/lib64".into()]);
    !folders.any(|folder| folder.join("sasl2/libplain.so").is_file())
}
