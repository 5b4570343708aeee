//! Microsoft Entra ID: an access token is the password, and the object id of whoever it is for is the user. Facts:
//! <https://learn.microsoft.com/azure/redis/entra-for-authentication>.

mod entra;
mod managed;

use super::bearer::Bearer;
use super::http::Source;
use super::variables::{CloudVariables, Inquiry};
use entra::Proof;
use store_client::{Auth, NoToken, Secret, Token};

/// What the token is for.
const RESOURCE: &str = "https://redis.azure.com";

/// What the credentials say of a login through Entra; variables say the rest.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Azure {
    pub tenant: Option<String>,
    /// The client id of an application or of a managed identity.
    pub client: Option<String>,
    /// The application's secret.
    pub secret: Option<Secret>,
    /// The user; `None` is the object id in the token.
    pub user: Option<String>,
}

impl Azure {
    /// Asks the first source that the credentials or the environment name, in the order of Azure's own libraries.
    pub(crate) fn issue(&self, inquiry: Inquiry<'_>) -> Result<Token, NoToken> {
        let Bearer { secret, expires, source } = match Proof::named(self, inquiry.variables) {
            Some(proof) => entra::ask(self, &proof, inquiry)?,
            None => managed::ask(self, inquiry)?,
        };
        let user = match &self.user {
            Some(user) => user.clone(),
            None => object_id(&secret).ok_or_else(|| NoToken {
                what: format!("{source} gives a token that names no object id (oid)"),
                advice: "Set username in the credentials to the object id of the identity, as it stands under Authentication of the cache.".to_owned(),
                passes: false,
            })?,
        };
        Ok(Token { auth: Auth::new(Some(user), Secret::new(secret)), expires })
    }

    /// Who is asked in this environment.
    pub(crate) fn source(&self, variables: &CloudVariables) -> Source {
        let proof = Proof::named(self, variables);
        proof.map_or_else(|| managed::source(variables), |proof| proof.source())
    }

    pub(crate) fn advice(&self) -> String {
        let user = self.user.as_ref().map(|user| format!(" (here {user:?})")).unwrap_or_default();
        format!(
            "Check that Microsoft Entra authentication is enabled for the cache, that the identity is one of its Redis users (Authentication, add member; with the older service, with a data access policy), and that its object id is the user{user}."
        )
    }
}

/// The `oid` in a token's payload. Nobody relies on it but the server, which verifies the token.
fn object_id(token: &str) -> Option<String> {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let payload = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    let payload: serde_json::Value = serde_json::from_slice(&payload).ok()?;
    payload["oid"].as_str().map(str::to_owned)
}
