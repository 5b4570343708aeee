//! What our signer makes of given keys at a given moment.

use cloud_login::{Aws, Cloud, CloudVariables};
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use store_client::{Deadline, Tokens};

/// Keys of AWS.
pub(crate) struct Keys<'a> {
    pub(crate) id: &'a str,
    pub(crate) secret: &'a str,
    pub(crate) session: Option<&'a str>,
}

/// The token that these keys sign at that moment.
pub(crate) fn signed(aws: Aws, keys: &Keys, at: SystemTime) -> String {
    let variables: CloudVariables = [
        ("AWS_ACCESS_KEY_ID", keys.id),
        ("AWS_SECRET_ACCESS_KEY", keys.secret),
        ("AWS_SESSION_TOKEN", keys.session.unwrap_or_default()),
    ]
    .into_iter()
    .collect();
    let tokens: Arc<dyn Tokens> = Cloud::Aws(aws).login_by(Arc::new(move || at), variables).tokens;
    let token = tokens.token(Deadline::after(Duration::from_secs(5))).unwrap();
    token.auth.password.expose().to_owned()
}
