//! Logs steps of the build that take a while.

use bullet_stream::global::print;

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
