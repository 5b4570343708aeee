//! What our signer makes of given keys at a given moment.

use cloud_login::{Aws, Clock, Cloud, Variables};
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
    struct At(SystemTime);
    impl Clock for At {
        fn now(&self) -> SystemTime {
            self.0
        }
    }
    let value = |name| match name {
        "AWS_ACCESS_KEY_ID" => Some(keys.id),
        "AWS_SECRET_ACCESS_KEY" => Some(keys.secret),
        "AWS_SESSION_TOKEN" => keys.session,
        _ => None,
    };
    let variables = Variables::read(|name| value(name).map(str::to_owned));
    let tokens: Arc<dyn Tokens> = Cloud::Aws(aws).login_by(Arc::new(At(at)), variables).tokens;
    let token = tokens.token(Deadline::after(Duration::from_secs(5))).unwrap();
    token.secret.expose().to_owned()
}
