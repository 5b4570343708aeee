//! Tells whether a token of AWS is signed by the right keys: whoever has them makes the same one.

use cloud_login::{Aws, AwsService, Clock, Cloud, Variables};
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use store_client::{Deadline, Tokens};

pub(super) fn cache() -> Cloud {
    Cloud::Aws(Aws {
        service: AwsService::ElastiCache,
        cache: "shop".to_owned(),
        serverless: false,
        region: Some("eu-west-1".to_owned()),
        user: "web".to_owned(),
        role: None,
    })
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

/// The token of that moment, with the keys in this one.
fn sign(at: SystemTime, token: &str) -> Option<String> {
    struct At(SystemTime);
    impl Clock for At {
        fn now(&self) -> SystemTime {
            self.0
        }
    }
    let (_, rest) = token.split_once("X-Amz-Security-Token=")?;
    let session = rest.split('&').next()?.to_owned();
    let variables = Variables::read(|name| match name {
        "AWS_ACCESS_KEY_ID" => Some("id".to_owned()),
        "AWS_SECRET_ACCESS_KEY" => Some("key".to_owned()),
        "AWS_SESSION_TOKEN" => Some(session.clone()),
        _ => None,
    });
    let tokens: Arc<dyn Tokens> = cache().login_by(Arc::new(At(at)), variables).tokens;
    let signed = tokens.token(Deadline::after(Duration::from_secs(5))).ok()?;
    Some(signed.secret.expose().to_owned())
}
