//! A folder of service bindings. The input is a list of files, `name=content`, with a NUL between them.
#![no_main]

use libfuzzer_sys::fuzz_target;
use php_session_store::services::SERVICE_BINDING_ROOT;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path};

fuzz_target!(|data: &[u8]| {
    let root = tempfile::tempdir().expect("a folder");
    for file in data.split(|byte| *byte == 0).take(20) {
        let Some(equals) = file.iter().position(|byte| *byte == b'=') else { continue };
        let name = Path::new(OsStr::from_bytes(&file[..equals]));
        // Nothing outside the folder.
        if !name.components().all(|part| matches!(part, Component::Normal(_))) {
            continue;
        }
        let path = root.path().join(name);
        // A name may be a folder's already, or too long.
        let _ = path.parent().map(fs::create_dir_all);
        let _ = match file[equals + 1..].strip_prefix(b"->") {
            Some(target) => std::os::unix::fs::symlink(OsStr::from_bytes(target), path),
            None => fs::write(path, &file[equals + 1..]),
        };
    }
    let root = root.path().to_str().expect("a name of ours");
    php_session_store_fuzz::launch(&[(SERVICE_BINDING_ROOT, root)].into_iter().collect());
});
