//! Tells whether a token of AWS is signed by the right keys: whoever has them makes the same one.

use super::signed::{Keys, signed};
use cloud_login::{Aws, AwsService};
use std::time::{Duration, SystemTime};

pub(super) fn cache() -> Aws {
    Aws {
        service: AwsService::ElastiCache,
        cache: "shop".to_owned(),
        serverless: false,
        region: Some("eu-west-1".to_owned()),
        user: "web".to_owned(),
        role: None,
    }
}

/// When a token says that it was signed.
pub(super) fn signed_at(token: &str) -> Option<SystemTime> {
    let parameter = |name: &str| {
        let (_, rest) = token.split_once(&format!("{name}="))?;
        rest.split('&').next()
    };
    let at = parameter("X-Amz-Date")?;
    let (_, time) = at.trim_end_matches('Z').split_once('T')?;
    let number = |text: &str, from: usize| text.get(from..from + 2)?.parse::<u64>().ok();
    let of_day = number(time, 0)? * 3600 + number(time, 2)? * 60 + number(time, 4)?;
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).ok()?.as_secs();
    // The test's clock is at most some days ahead.
    (0..9).map(|day| now / 86_400 * 86_400 + day * 86_400 + of_day).find_map(|seconds| {
        let moment = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        (sign(moment, token)? == token).then_some(moment)
    })
}

pub(super) fn is_signed(token: &str) -> bool {
    signed_at(token).is_some()
}

/// The token of that moment, with the session in this one.
fn sign(at: SystemTime, token: &str) -> Option<String> {
    let (_, rest) = token.split_once("X-Amz-Security-Token=")?;
    let session = rest.split('&').next();
    Some(signed(cache(), &Keys { id: "id", secret: "key", session }, at))
}
