//! Sources that give no token: each error names who was asked, what it said and the usual mistake, and never a secret.

use super::fake::{Answer, ok, refusal, serve};
use super::{cache, token, url};
use crate::{Azure, Cloud};
use serde_json::json;
use std::fs;
use std::time::{Duration, Instant};

/// The error of a metadata server of Google that answers so.
fn google(answer: impl Fn() -> Answer + Send + Sync + 'static) -> store_client::NoToken {
    let host = serve(move |_| answer());
    token(Cloud::Google, &[("GCE_METADATA_HOST", &host)]).unwrap_err()
}

#[test]
fn what_passes_is_told_from_what_does_not() {
    for (status, passes) in [(429, true), (500, true), (503, true), (403, false), (404, false)] {
        let error = google(move || refusal(status, json!({"error": {"message": "why"}})));
        let said = format!("says HTTP {status}: why");
        assert!(error.what.starts_with("The Google metadata server (http://127.0.0.1:"), "{error}");
        assert!(error.what.ends_with(&said), "{error}");
        assert_eq!(error.passes, passes, "{status}");
        assert!(error.advice.contains("Workload Identity"), "{error}");
    }
    // A redirection is not followed: headers would go elsewhere.
    assert!(google(|| refusal(302, "")).what.contains("says HTTP 302"));
}

#[test]
fn an_answer_without_a_token_is_not_shown() {
    for body in [r#"{"token":"hunter2"}"#, "hunter2", "", r#"{"access_token":"","expires_in":1}"#] {
        let error = google(move || ok(body)).to_string();
        assert!(error.contains("without an access token"), "{error}");
        assert!(!error.contains("hunter2"), "{error}");
    }
    let error = google(|| ok(r#"{"access_token":"hunter2"}"#)).to_string();
    assert!(error.contains("without the token's end"), "{error}");
    assert!(!error.contains("hunter2"), "{error}");
}

#[test]
fn a_source_that_hangs_or_is_not_there_is_given_up_in_time() {
    let begun = Instant::now();
    let error = google(|| Answer::Hang);
    assert!(error.what.ends_with("cannot be asked (no answer in time)"), "{error}");
    assert!(error.passes);
    assert!(begun.elapsed() < Duration::from_secs(4));
    let error = token(Cloud::Google, &[("GCE_METADATA_HOST", "127.0.0.1:1")]).unwrap_err();
    assert!(error.what.ends_with("cannot be asked (nothing listens there)"), "{error}");
    let error = token(Cloud::Google, &[("GCE_METADATA_HOST", "a b")]).unwrap_err();
    assert!(error.what.ends_with("is no address that can be asked"), "{error}");
}

#[test]
fn a_token_file_is_read_again_each_time_and_named_if_it_is_of_no_use() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    let path = file.to_str().unwrap().to_owned();
    let sts = url(&serve(|asked| match asked.field("WebIdentityToken") {
        "fresh" => ok(
            "<AccessKeyId>k</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken>",
        ),
        told => refusal(
            400,
            json!({"code": "ExpiredTokenException", "message": format!("Token expired: {told}")}),
        ),
    }));
    let keys = || {
        let variables = [
            ("AWS_WEB_IDENTITY_TOKEN_FILE", &*path),
            ("AWS_ROLE_ARN", "arn:aws:iam::1:role/web"),
            ("AWS_ENDPOINT_URL_STS", &*sts),
        ];
        token(cache(), &variables)
    };
    let error = keys().unwrap_err();
    assert!(error.what.contains(&path), "{error}");
    assert!(error.what.contains("cannot be read"), "{error}");
    fs::write(&file, " \n").unwrap();
    let error = keys().unwrap_err();
    assert!(error.what.ends_with("which is empty"), "{error}");
    assert!(error.passes);
    fs::write(&file, "hunter2-stale").unwrap();
    let error = keys().unwrap_err();
    let said = "says HTTP 400: ExpiredTokenException: Token expired: ***";
    assert!(error.what.ends_with(said), "{error}");
    assert!(error.advice.contains("trust policy"), "{error}");
    fs::write(&file, "fresh").unwrap();
    assert!(keys().is_ok());
}

#[test]
fn what_is_half_configured_says_what_is_missing() {
    let azure = |variables: &[(&str, &str)]| {
        token(Cloud::Azure(Azure::default()), variables).unwrap_err().to_string()
    };
    let error = azure(&[("AZURE_CLIENT_SECRET", "hunter2"), ("AZURE_CLIENT_ID", "app")]);
    assert!(error.contains("needs a tenant id"), "{error}");
    let error = azure(&[("AZURE_FEDERATED_TOKEN_FILE", "/x"), ("AZURE_TENANT_ID", "t")]);
    assert!(error.contains("needs a client id"), "{error}");
    let aws = |variables: &[(&str, &str)]| token(cache(), variables).unwrap_err().to_string();
    let error = aws(&[("AWS_ACCESS_KEY_ID", "k")]);
    assert!(error.contains("has no AWS_SECRET_ACCESS_KEY"), "{error}");
    let error = aws(&[("AWS_EC2_METADATA_DISABLED", "True")]);
    assert!(error.contains("turned off by AWS_EC2_METADATA_DISABLED"), "{error}");
    let error = aws(&[("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://keys.example/x?y=hunter2")]);
    assert!(error.contains("is not asked"), "{error}");
    assert!(!error.contains("hunter2"), "{error}");
}

#[test]
fn nobody_far_gets_a_secret_in_plain_text() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    fs::write(&file, "hunter2").unwrap();
    let file = file.to_str().unwrap();
    let sts = [
        ("AWS_WEB_IDENTITY_TOKEN_FILE", file),
        ("AWS_ROLE_ARN", "arn:aws:iam::1:role/web"),
        ("AWS_ENDPOINT_URL_STS", "http://sts.example"),
    ];
    let of_azure = [("AZURE_TENANT_ID", "t"), ("AZURE_CLIENT_ID", "c")];
    let entra = ("AZURE_AUTHORITY_HOST", "http://entra.example");
    let by_secret = [&of_azure[..], &[entra, ("AZURE_CLIENT_SECRET", "hunter2")]].concat();
    let by_file = [&of_azure[..], &[entra, ("AZURE_FEDERATED_TOKEN_FILE", file)]].concat();
    let azure = || Cloud::Azure(Azure::default());
    for (cloud, variables) in [(cache(), &sts[..]), (azure(), &by_secret), (azure(), &by_file)] {
        let error = token(cloud, variables).unwrap_err();
        assert!(error.what.contains("example) is neither https"), "{error}");
        assert!(!error.passes, "{error}");
    }
}
