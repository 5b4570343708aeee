//! A request to AWS with its signature in the query: Signature Version 4,
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>.

use super::Aws;
use super::keys::Keys;
use crate::http::encoded;
use crate::moment::basic;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use std::fmt::Write;
use std::time::{Duration, SystemTime};
use store_client::Secret;

/// The longest that AWS accepts.
pub(super) const TOKEN_LIFETIME: Duration = Duration::from_mins(15);

/// A signed request to connect. Its text, without a scheme, is the password.
pub(super) fn presigned(aws: &Aws, region: &str, keys: &Keys, at: SystemTime) -> String {
    let (host, at) = (aws.cache.to_lowercase(), basic(at));
    let scope = format!("{}/{region}/{}/aws4_request", &at[..8], aws.service.name());
    let query = query(aws, keys, &scope, &at);
    let request = format!("GET\n/\n{query}\nhost:{host}\n\nhost\n{}", hex(&Sha256::digest(b"")));
    let request = hex(&Sha256::digest(request));
    let to_sign = format!("AWS4-HMAC-SHA256\n{at}\n{scope}\n{request}");
    let key = format!("AWS4{}", keys.secret.expose()).into_bytes();
    // The parts of the scope and the text, each signed with what came before.
    let signature = scope.split('/').chain([&*to_sign]).fold(key, |key, part| sign(&key, part));
    format!("{host}/?{query}&X-Amz-Signature={}", hex(&signature))
}

/// The parameters in the order of their names, as they are signed.
fn query(aws: &Aws, keys: &Keys, scope: &str, at: &str) -> String {
    let (credential, lifetime) =
        (format!("{}/{scope}", keys.id), TOKEN_LIFETIME.as_secs().to_string());
    let serverless = aws.serverless.then_some("ServerlessCache");
    let session = keys.session.as_ref().map(Secret::expose);
    let parameters = [
        ("Action", Some("connect")),
        ("ResourceType", serverless),
        ("User", Some(&*aws.user)),
        ("X-Amz-Algorithm", Some("AWS4-HMAC-SHA256")),
        ("X-Amz-Credential", Some(&*credential)),
        ("X-Amz-Date", Some(at)),
        ("X-Amz-Expires", Some(&*lifetime)),
        ("X-Amz-Security-Token", session),
        ("X-Amz-SignedHeaders", Some("host")),
    ];
    let present = parameters
        .iter()
        .filter_map(|(name, value)| value.map(|value| format!("{name}={}", encoded(value))));
    present.collect::<Vec<_>>().join("&")
}

fn sign(key: &[u8], text: &str) -> Vec<u8> {
    // A key may have any length.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return Vec::new() };
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::super::AwsService;
    use super::*;
    use crate::moment::parse;

    /// The example of AWS's own users' libraries.
    #[test]
    fn the_signature_is_the_published_one() {
        let aws = Aws {
            service: AwsService::ElastiCache,
            cache: "My-Cache".to_owned(),
            serverless: true,
            region: Some("eu-west-1".to_owned()),
            user: "user123".to_owned(),
            role: None,
        };
        let keys = Keys {
            id: "accessKey".to_owned(),
            secret: Secret::new("secretKey"),
            session: None,
            expires: None,
        };
        let at = parse("2024-08-02T12:11:50Z").unwrap();
        let token = presigned(&aws, "eu-west-1", &keys, at);
        assert!(token.starts_with("my-cache/?Action=connect&ResourceType=ServerlessCache&"));
        let signature = "5dda5db919b1337db6596b2a608924bc10197fb39289b933b60bdb114d5a70dc";
        assert!(token.ends_with(&format!("&X-Amz-Signature={signature}")), "{token}");
    }
}
