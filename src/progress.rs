//! Steps that take their time, in the build's log.

use bullet_stream::global::print;

/// Does a step and prints how long it took.
///
/// # Errors
///
/// Fails as the step does.
pub fn timed<T, E>(what: impl AsRef<str>, step: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
    let timer = print::sub_start_timer(what);
    let result = step();
    match result {
        Ok(_) => timer.done(),
        Err(_) => timer.cancel("failed"),
    }
    result
}
