//! Logs steps of the build that take a while.

use bullet_stream::global::print;
use std::fmt::Display;
use std::fs;
use std::io;
use std::path::Path;

/// Runs a step and prints how long it took.
pub(super) fn timed<T, E>(
    what: impl AsRef<str>,
    step: impl FnOnce() -> Result<T, E>,
) -> Result<T, E> {
    let timer = print::sub_start_timer(what);
    let result = step();
    match result {
        Ok(_) => timer.done(),
        Err(_) => timer.cancel("failed"),
    }
    result
}

/// Prints what was downloaded and the size of its archive.
pub(super) fn downloaded(what: &impl Display, archive: &Path) -> io::Result<()> {
    let size = fs::metadata(archive)?.len();
    print::sub_bullet(format!("{what} ({} kB)", size.div_ceil(1000)));
    Ok(())
}
