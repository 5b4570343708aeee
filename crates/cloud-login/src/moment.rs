//! Moments as clouds write them.

use std::time::{Duration, SystemTime, UNIX_EPOCH};
use store_client::Date;

const SECONDS_PER_DAY: u64 = 24 * 60 * 60;

/// As AWS signs it: `20240802T121150Z`.
pub(crate) fn basic(moment: SystemTime) -> String {
    let seconds = moment.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let Date { year, month, day } = Date::of(seconds);
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    format!("{year:04}{month:02}{day:02}T{hour:02}{minute:02}{second:02}Z")
}

/// Reads `2024-08-02T12:11:50Z`, with or without a fraction of a second (RFC 3339, in UTC).
/// <https://howardhinnant.github.io/date_algorithms.html>
pub(crate) fn parse(text: &str) -> Option<SystemTime> {
    let numbers = text.strip_suffix('Z')?.split(['-', 'T', ':', '.']);
    let numbers = numbers.map(|number| number.parse::<u32>().ok().map(u64::from));
    let numbers: Vec<u64> = numbers.collect::<Option<_>>()?;
    let [year, month, day, hour, minute, second, ..] = numbers[..] else { return None };
    if !(1970..=9999).contains(&year) || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = 365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 1;
    let days = days.checked_sub(719_468)?;
    let of_day = hour * 3600 + minute * 60 + second;
    Some(UNIX_EPOCH + Duration::from_secs(days * SECONDS_PER_DAY + of_day))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_moment_is_read_as_it_is_written() {
        for (seconds, written, read) in [
            (0, "19700101T000000Z", "1970-01-01T00:00:00Z"),
            (951_782_400, "20000229T000000Z", "2000-02-29T00:00:00.123Z"),
            (1_722_600_710, "20240802T121150Z", "2024-08-02T12:11:50Z"),
            (4_107_542_399, "21000228T235959Z", "2100-02-28T23:59:59Z"),
        ] {
            let moment = UNIX_EPOCH + Duration::from_secs(seconds);
            assert_eq!(basic(moment), written);
            assert_eq!(parse(read), Some(moment), "{read}");
        }
        for text in ["", "2024-08-02", "2024-08-02T12:11:50+02:00", "2024-13-02T12:11:50Z", "Z"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_harm(text in ".{0,30}") {
            let _ = parse(&text);
        }
    }
}
