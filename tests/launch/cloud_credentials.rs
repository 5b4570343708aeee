//! Credentials of logins that a cloud issues: how they are recognised, and what is said of those that lack something.

use crate::harness::Harness;
use php_session_store::store::Store;
use serde_json::{Value, json};

/// What the launch logs of these credentials with this setting of the proxy, or why it stops.
fn said(credentials: &Value, proxy: &str, options: &str) -> String {
    let service =
        json!({"x": [{"label": "x", "name": "redis-sessions", "credentials": credentials}]});
    Harness::new(Store::Redis, "6.2.0").said_with(&[
        ("VCAP_SERVICES", &service.to_string()),
        ("BPL_PHP_SESSION_PROXY", proxy),
        ("BPL_PHP_SESSION_OPTIONS", options),
    ])
}

const AWS_HOST: &str = "master.shop.abc123.euw1.cache.amazonaws.com";
const ROLE: &str = "arn:aws:iam::1:role/web";

/// Credentials with options, and what the launch says of them beside the route.
type Case<'a> = (Value, &'a str, &'a [&'a str]);

fn assert_recognised(cases: &[Case]) {
    for (credentials, options, parts) in cases {
        let said = said(credentials, "auto", options);
        for part in parts.iter().chain(&["tls://", "through the session proxy"]) {
            assert!(said.contains(part), "{credentials}: {part:?} is not in:\n{said}");
        }
        assert!(!said.contains("hunter2"), "{credentials}: a secret in:\n{said}");
    }
}

#[test]
fn credentials_that_name_a_cache_of_aws_are_recognised() {
    let login = "login aws-iam, user \"web\"";
    let of_crossplane = json!({"host": AWS_HOST, "port": 6379, "role-arn": ROLE, "user-id": "web"});
    let named = json!({
        "host": "cache.shop.svc", "region": "eu-west-1", "cache-name": "shop", "user-id": "web",
    });
    let auth = |cache: &str, name: &str| json!({"host": "h", "auth": "aws-iam", cache: name, "username": "web"});
    let auth_type =
        json!({"host": "h", "auth-type": "AWS_IAM", "cache-name": "shop", "username": "web"});
    let with_password = json!({"host": AWS_HOST, "username": "web", "password": "hunter2"});
    let uri = json!({"uri": format!("rediss://web@{AWS_HOST}:6379"), "auth": "aws-iam"});
    let other_user =
        json!({"uri": format!("redis://{AWS_HOST}"), "auth": "aws-iam", "user-id": "x"});
    assert_recognised(&[
        (of_crossplane, "", &[login]),
        (json!({"host": AWS_HOST, "username": "web"}), "", &[login]),
        (named, "", &[login]),
        (auth("replicationGroupId", "shop"), "", &[login]),
        (auth("cache-name", AWS_HOST), "", &[login]),
        (auth_type, "", &[login]),
        (with_password, "auth=aws-iam", &["login aws-iam", "unused credentials: password"]),
        (uri, "", &[login]),
        (other_user, "username=web", &[login]),
    ]);
}

#[test]
fn credentials_that_name_an_application_of_azure_or_googles_login_are_recognised() {
    let azure = "login azure-entra";
    let port = json!({"host": "shop.redis.cache.windows.net", "sslPort": 6380, "client-id": "c"});
    let secret = json!({"host": "h", "tenantId": "t", "clientId": "c", "clientSecret": "hunter2"});
    let object = json!({"host": "h", "auth": "azure-entra", "object-id": "oid"});
    assert_recognised(&[
        (port, "", &[azure]),
        (secret, "", &[azure]),
        (object, "", &["login azure-entra, user \"oid\""]),
        (json!({"host": "10.0.0.3", "auth": "google-iam"}), "", &["login google-iam"]),
        (json!({"host": "10.0.0.3"}), "auth=google-iam", &["login google-iam"]),
    ]);
}

#[test]
fn a_password_is_used_unless_the_credentials_say_otherwise() {
    for credentials in [
        json!({"host": AWS_HOST, "tls": true, "username": "web", "password": "pw", "arn": "arn:x"}),
        json!({"host": "h", "tls": true, "client-id": "c", "tenant-id": "t", "primaryKey": "pw"}),
        json!({"host": "h", "tls": true, "auth": "pw", "region": "eu-west-1", "cluster_name": "x"}),
    ] {
        let said = said(&credentials, "auto", "");
        assert!(!said.contains("login "), "{credentials}: {said}");
    }
    // ElastiCache without TLS has no login at all.
    assert!(said(&json!({"host": AWS_HOST}), "auto", "").contains("no password"));
}

#[test]
fn what_a_token_needs_and_the_credentials_lack_is_said() {
    for (credentials, parts) in [
        (json!({"host": "h", "role-arn": ROLE, "user-id": "web"}), ["has no cache-name", "region"]),
        (json!({"host": AWS_HOST, "auth": "aws-iam"}), ["has no user-id", "username"]),
        (
            json!({"host": "h", "auth": "aws-iam", "cache-name": "shop.example.com", "user-id": "web"}),
            ["is an endpoint", "name of the replication group"],
        ),
        (json!({"host": "h", "iam": true}), ["does not say of which cloud", "azure-entra"]),
    ] {
        let said = said(&credentials, "auto", "");
        for part in parts {
            assert!(said.contains(part), "{credentials}: {part:?} is not in:\n{said}");
        }
    }
}

#[test]
fn phps_own_handler_is_an_error_that_says_so() {
    let said = said(&json!({"host": "h", "auth": "google-iam"}), "off", "");
    for part in
        ["needs a login with tokens", "the session proxy does", "BPL_PHP_SESSION_PROXY=auto"]
    {
        assert!(said.contains(part), "{said}");
    }
}

#[test]
fn a_token_in_plain_text_takes_an_explicit_word_and_causes_a_warning() {
    let credentials = json!({"host": "h", "auth": "google-iam", "tls": false});
    let said = said(&credentials, "auto", "");
    assert!(said.contains("tcp://h:6379"), "{said}");
    assert!(said.contains("in plain text"), "{said}");
}
