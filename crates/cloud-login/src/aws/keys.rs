//! The keys that sign.

use crate::moment;
use serde_json::Value;
use std::time::SystemTime;
use store_client::Secret;

/// Keys, for a while or for ever.
pub(super) struct Keys {
    pub(super) id: String,
    pub(super) secret: Secret,
    /// What makes temporary keys valid.
    pub(super) session: Option<Secret>,
    pub(super) expires: Option<SystemTime>,
}

/// The keys in the answer of ECS, EKS and IMDS; `None` if some are missing.
pub(super) fn of_json(answer: &str) -> Option<Keys> {
    let answer: Value = serde_json::from_str(answer).ok()?;
    let text = |name: &str| answer[name].as_str().filter(|text| !text.is_empty());
    Some(Keys {
        id: text("AccessKeyId")?.to_owned(),
        secret: Secret::new(text("SecretAccessKey")?),
        session: text("Token").map(Secret::new),
        expires: text("Expiration").and_then(moment::parse),
    })
}
