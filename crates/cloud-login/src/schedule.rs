//! When the next token is asked for. All times differ by chance, so that the containers of an app do not ask together.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::{Duration, SystemTime};

/// The pauses after a source gave no token.
const SHORTEST_PAUSE: Duration = Duration::from_millis(500);
/// While there is a token.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// While there is none: pages wait for it.
const LONGEST_PAUSE_WITHOUT: Duration = Duration::from_secs(2);
/// However short a token lives.
const SHORTEST_INTERVAL: Duration = Duration::from_secs(1);

/// When half of the time that is left is over. A metadata service that still gives the same token is asked again after half
/// of the rest, so it has all its time for another one.
pub(crate) fn due(now: SystemTime, expires: SystemTime, chance: f64) -> SystemTime {
    let left = expires.duration_since(now).unwrap_or_default();
    now + left.mul_f64(0.4 + 0.2 * chance).max(SHORTEST_INTERVAL)
}

/// How long to leave a source alone after so many failures in a row.
pub(crate) fn pause(failures: u32, has_token: bool, chance: f64) -> Duration {
    let longest = if has_token { LONGEST_PAUSE } else { LONGEST_PAUSE_WITHOUT };
    let doubled = SHORTEST_PAUSE * 2_u32.pow(failures.saturating_sub(1).min(10));
    doubled.min(longest).mul_f64(0.5 + 0.5 * chance)
}

/// From 0 to 1.
pub(crate) fn chance() -> f64 {
    let random = RandomState::new().build_hasher().finish();
    f64::from(u32::try_from(random >> 32).unwrap_or_default()) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::UNIX_EPOCH;

    #[test]
    fn a_token_is_due_around_half_of_its_time() {
        let due = |left, chance| {
            let expires = UNIX_EPOCH + Duration::from_secs(left);
            due(UNIX_EPOCH, expires, chance).duration_since(UNIX_EPOCH).unwrap().as_secs()
        };
        assert_eq!((due(900, 0.0), due(900, 1.0)), (360, 540));
        assert_eq!((due(0, 0.0), due(1, 1.0)), (1, 1));
    }

    #[test]
    fn pauses_grow_and_are_shorter_without_a_token() {
        let pauses = |has_token| {
            [1, 2, 3, 4, 9, u32::MAX].map(|failures| pause(failures, has_token, 1.0).as_millis())
        };
        assert_eq!(pauses(true), [500, 1000, 2000, 4000, 30_000, 30_000]);
        assert_eq!(pauses(false), [500, 1000, 2000, 2000, 2000, 2000]);
        assert_eq!(pause(1, true, 0.0).as_millis(), 250);
        assert!((0.0..=1.0).contains(&chance()));
    }
}
