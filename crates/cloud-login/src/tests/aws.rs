//! Keys of AWS, and which ones sign.

use super::fake::{Answer, Asked, ok, refusal, serve};
use super::{cache, token, url};
use crate::Cloud;
use serde_json::{Value, json};
use std::fs;
use std::time::{Duration, SystemTime};

/// The id of the keys that signed.
fn signer(variables: &[(&str, &str)]) -> String {
    let token = token(cache(), variables).unwrap();
    assert_eq!(token.auth.user.as_deref(), Some("web"));
    let secret = token.auth.password.expose();
    assert!(secret.starts_with("shop/?Action=connect&User=web&X-Amz-Algorithm="), "{secret}");
    let (_, credential) = secret.split_once("X-Amz-Credential=").unwrap();
    credential.split("%2F").next().unwrap().to_owned()
}

fn keys(id: &str) -> Value {
    json!({
        "Code": "Success", "AccessKeyId": id, "SecretAccessKey": "secret", "Token": "session",
        "Expiration": "2999-01-01T00:00:00Z",
    })
}

fn sts(asked: &Asked) -> Answer {
    let role = "arn:aws:iam::1:role/web";
    let fits = asked.line == "POST /"
        && asked.header("content-type") == "application/x-www-form-urlencoded"
        && asked.field("Action") == "AssumeRoleWithWebIdentity"
        && asked.field("Version") == "2011-06-15"
        && asked.field("RoleArn") == role
        && asked.field("RoleSessionName") == "php-session-store"
        && asked.field("WebIdentityToken") == "a.b+c/d=";
    if !fits {
        return refusal(400, "<Code>InvalidIdentityToken</Code><Message>no</Message>");
    }
    ok("<AssumeRoleWithWebIdentityResponse><Credentials>
        <SessionToken>session+/=</SessionToken><SecretAccessKey>secret</SecretAccessKey>
        <Expiration>2999-01-01T00:00:00Z</Expiration><AccessKeyId>OF-STS</AccessKeyId>
        </Credentials></AssumeRoleWithWebIdentityResponse>")
}

fn container(asked: &Asked) -> Answer {
    match (&*asked.line, asked.header("authorization")) {
        ("GET /v1/credentials", "pod.token") => ok(keys("OF-POD")),
        (_, "pod.token") => refusal(404, ""),
        _ => refusal(401, json!({"message": "unauthorized"})),
    }
}

fn imds(asked: &Asked) -> Answer {
    let has_session = asked.header("x-aws-ec2-metadata-token") == "imds-session";
    match &*asked.line {
        "PUT /latest/api/token"
            if !asked.header("x-aws-ec2-metadata-token-ttl-seconds").is_empty() =>
        {
            ok("imds-session")
        }
        "GET /latest/meta-data/iam/security-credentials/" if has_session => ok("web\n"),
        "GET /latest/meta-data/iam/security-credentials/web" if has_session => ok(keys("OF-IMDS")),
        _ if has_session => refusal(404, ""),
        _ => refusal(401, ""),
    }
}

#[test]
fn keys_come_from_the_first_place_in_the_order_of_awss_libraries() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let (identity, pod) = (file("identity", "a.b+c/d=\n"), file("pod", "pod.token\n"));
    let (sts, imds) = (url(&serve(sts)), url(&serve(imds)));
    let container = format!("{}/v1/credentials", url(&serve(container)));
    let all = [
        ("AWS_ACCESS_KEY_ID", "OF-ENVIRONMENT"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
        ("AWS_WEB_IDENTITY_TOKEN_FILE", &*identity),
        ("AWS_ROLE_ARN", "arn:aws:iam::1:role/web"),
        ("AWS_ENDPOINT_URL_STS", &sts),
        ("AWS_CONTAINER_CREDENTIALS_FULL_URI", &container),
        ("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", &pod),
        ("AWS_EC2_METADATA_SERVICE_ENDPOINT", &imds),
    ];
    assert_eq!(signer(&all), "OF-ENVIRONMENT");
    assert_eq!(signer(&all[2..]), "OF-STS");
    assert_eq!(signer(&all[5..]), "OF-POD");
    assert_eq!(signer(&all[7..]), "OF-IMDS");
}

#[test]
fn a_token_lives_no_longer_than_its_keys() {
    let soon = |asked: &Asked| match &*asked.line {
        "GET /soon" => ok(json!({
            "AccessKeyId": "k", "SecretAccessKey": "s", "Expiration": "2999-01-01T00:00:00Z",
        })),
        _ => ok(json!({
            "AccessKeyId": "k", "SecretAccessKey": "s", "Expiration": "2001-01-01T00:00:00Z",
        })),
    };
    let address = url(&serve(soon));
    let at = |path: &str| {
        let uri = format!("{address}/{path}");
        token(cache(), &[("AWS_CONTAINER_CREDENTIALS_FULL_URI", &uri)])
    };
    let left = at("soon").unwrap().expires.duration_since(SystemTime::now()).unwrap();
    let quarter = Duration::from_mins(15);
    assert!(left <= quarter && left + Duration::from_mins(1) > quarter, "{left:?}");
    let error = at("ended").unwrap_err();
    assert!(error.what.contains("has already ended"), "{error}");
}

#[test]
fn a_role_may_stand_in_the_credentials() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("identity");
    fs::write(&file, "a.b+c/d=").unwrap();
    let sts = url(&serve(sts));
    let variables =
        [("AWS_WEB_IDENTITY_TOKEN_FILE", file.to_str().unwrap()), ("AWS_ENDPOINT_URL", &sts)];
    let error = token(cache(), &variables).unwrap_err();
    assert!(error.what.contains("there is no AWS_ROLE_ARN"), "{error}");
    let Cloud::Aws(mut aws) = cache() else { unreachable!() };
    aws.role = Some("arn:aws:iam::1:role/web".to_owned());
    assert!(token(Cloud::Aws(aws), &variables).is_ok());
}
