//! Tokens of Google's metadata server.

use super::fake::{ok, refusal, serve};
use super::token;
use crate::Cloud;
use serde_json::json;

#[test]
fn the_metadata_server_gives_the_service_accounts_token() {
    let host = serve(|asked| {
        let path = "GET /computeMetadata/v1/instance/service-accounts/default/token";
        if asked.line != path || asked.header("metadata-flavor") != "Google" {
            return refusal(403, "");
        }
        ok(json!({"access_token": "ya29.x", "expires_in": 3599, "token_type": "Bearer"}))
    });
    let token = token(Cloud::Google, &[("GCE_METADATA_HOST", &host)]).unwrap();
    assert_eq!((token.auth.user.as_deref(), token.auth.password.expose()), (None, "ya29.x"));
}
