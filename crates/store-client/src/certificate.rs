//! What is said about a certificate's dates. webpki does not look at those of a CA, but OpenSSL does.

use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

const SECONDS_PER_DAY: u64 = 24 * 60 * 60;

/// A day of the Gregorian calendar, in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Date {
    pub year: u64,
    /// From 1 on.
    pub month: u64,
    /// From 1 on.
    pub day: u64,
}

impl Date {
    /// The day of a moment, given in seconds since 1970. <https://howardhinnant.github.io/date_algorithms.html>
    #[must_use]
    pub fn of(seconds: u64) -> Self {
        // From 0000-03-01 on, a leap day is the last one of its year.
        let days = seconds / SECONDS_PER_DAY + 719_468;
        let (era, of_era) = (days / 146_097, days % 146_097);
        let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year + year / 4 - year / 100);
        let month = (5 * of_year + 2) / 153;
        let day = of_year - (153 * month + 2) / 5 + 1;
        let (month, next) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
        Self { year: year + era * 400 + next, month, day }
    }

    fn today() -> Self {
        Self::of(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs())
    }
}

impl fmt::Display for Date {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { year, month, day } = self;
        write!(formatter, "{year}-{month:02}-{day:02}")
    }
}

/// The last day of a certificate (DER), if that is over, or is today.
pub(super) fn expired(certificate: &[u8]) -> Option<Date> {
    last_day(certificate).filter(|last| *last <= Date::today())
}

/// The last day of a certificate: `Certificate { tbs { [0] version, serial, algorithm, issuer, validity { from, until }`
/// (RFC 5280, 4.1).
fn last_day(certificate: &[u8]) -> Option<Date> {
    const VERSION: u8 = 0xa0;
    const UTC_TIME: u8 = 0x17;
    let (_, certificate, _) = element(certificate)?;
    let (_, tbs, _) = element(certificate)?;
    let (first, _, after) = element(tbs)?;
    let serial = if first == VERSION { after } else { tbs };
    let algorithm = element(serial)?.2;
    let issuer = element(algorithm)?.2;
    let validity = element(element(issuer)?.2)?.1;
    let (kind, until, _) = element(element(validity)?.2)?;
    let digits = std::str::from_utf8(until).ok()?;
    let number = |from: usize, length: usize| digits.get(from..from + length)?.parse().ok();
    let (year, rest) = if kind == UTC_TIME {
        // Two digits stand for 1950 to 2049.
        let year: u64 = number(0, 2)?;
        (year + if year < 50 { 2000 } else { 1900 }, 2)
    } else {
        (number(0, 4)?, 4)
    };
    Some(Date { year, month: number(rest, 2)?, day: number(rest + 2, 2)? })
}

/// The tag and the content of the first DER element, and what follows it.
fn element(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let [tag, length, rest @ ..] = bytes else { return None };
    let (length, rest) = match usize::from(*length) {
        short @ 0..0x80 => (short, rest),
        long => {
            let (bytes, rest) = rest.split_at_checked(long - 0x80)?;
            let add = |sum: usize, byte: &u8| sum.checked_mul(256)?.checked_add(usize::from(*byte));
            (bytes.iter().try_fold(0, add)?, rest)
        }
    };
    let (content, after) = rest.split_at_checked(length)?;
    Some((*tag, content, after))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rcgen::{CertificateParams, KeyPair, date_time_ymd};

    #[test]
    fn a_moment_has_its_day() {
        for (seconds, day) in [
            (0, "1970-01-01"),
            (951_782_399, "2000-02-28"),
            (951_782_400, "2000-02-29"),
            (1_796_010_774, "2026-11-30"),
            (4_107_542_400, "2100-03-01"),
        ] {
            assert_eq!(Date::of(seconds).to_string(), day);
        }
    }

    #[test]
    fn a_certificate_has_expired_after_its_last_day() {
        let key = KeyPair::generate().unwrap();
        for (year, last) in [(1999, Some("1999-12-31")), (2024, Some("2024-12-31")), (2999, None)] {
            let mut params = CertificateParams::new(Vec::new()).unwrap();
            params.not_before = date_time_ymd(1980, 1, 1);
            params.not_after = date_time_ymd(year, 12, 31);
            let certificate = params.self_signed(&key).unwrap();
            let found = expired(certificate.der()).map(|date| date.to_string());
            assert_eq!(found.as_deref(), last);
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_harm(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
            let _ = last_day(&bytes);
        }
    }
}
