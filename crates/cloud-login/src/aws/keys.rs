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

impl Keys {
    /// From an answer, whose texts `text` finds; `session` is its name for what makes keys valid. `None` if some are missing.
    pub(super) fn of<'a>(text: impl Fn(&str) -> Option<&'a str>, session: &str) -> Option<Self> {
        Some(Self {
            id: text("AccessKeyId")?.to_owned(),
            secret: Secret::new(text("SecretAccessKey")?),
            session: text(session).map(Secret::new),
            expires: text("Expiration").and_then(moment::parse),
        })
    }

    /// From an answer of ECS, EKS or IMDS.
    pub(super) fn of_json(answer: &str) -> Option<Self> {
        let answer: Value = serde_json::from_str(answer).ok()?;
        Self::of(|name| answer[name].as_str().filter(|text| !text.is_empty()), "Token")
    }
}
