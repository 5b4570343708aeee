//! Credentials of logins that a cloud issues: how they are recognised, and what is said of those that lack something.

use crate::harness::Harness;
use crate::servers::Authority;
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

/// None of these names a user, or anything of a cache.
#[test]
fn what_says_nothing_of_a_login_is_no_login() {
    let key = "arn:aws:kms:eu-west-1:1:key/x";
    let cache = "arn:aws:elasticache:eu-west-1:1:replicationgroup:shop";
    for credentials in [
        json!({"host": "10.0.0.3", "region": "europe-west1", "cluster-name": "shop"}),
        json!({"host": "h", "kms-key-arn": key, "log-group-arn": "arn:aws:logs:eu-west-1:1:x"}),
        json!({"host": "h", "arn": cache}),
    ] {
        let said = said(&credentials, "auto", "");
        assert!(said.contains("no password"), "{credentials}: {said}");
        assert!(!said.contains("login "), "{credentials}: {said}");
    }
    let named = json!({
        "host": "h", "arn": cache, "cache-name": "shop", "region": "eu-west-1", "user-id": "web",
    });
    assert_recognised(&[(named, "", &["login aws-iam, user \"web\""])]);
}

#[test]
fn a_login_that_is_misspelt_is_no_password() {
    for text in ["aws-ima", "AZURE_AD", "google-"] {
        let said = said(&json!({"host": "h", "auth": text}), "auto", "");
        for part in ["\"auth\" is none of the logins", "aws-iam, azure-entra or google-iam"] {
            assert!(said.contains(part), "{text}: {part:?} is not in:\n{said}");
        }
    }
    for text in ["aws-1F8k2", "azure", "aws-passwordpassword", "iam"] {
        let said = said(&json!({"host": "h", "tls": true, "auth": text}), "auto", "");
        assert!(said.contains("tls://h:6379"), "{text}: {said}");
        assert!(!said.contains("none of the logins"), "{text}: {said}");
    }
}

/// Only a web identity assumes a role, and that of the environment comes first.
#[test]
fn a_role_that_is_not_assumed_is_said() {
    let credentials = json!({"host": AWS_HOST, "role-arn": ROLE, "user-id": "web"});
    let service = json!({"x": [{"name": "redis-sessions", "credentials": credentials}]});
    let said = |variables: &[(&str, &str)]| {
        let service = service.to_string();
        let bound = [("VCAP_SERVICES", &*service), ("BPL_PHP_SESSION_PROXY", "auto")];
        Harness::new(Store::Redis, "6.2.0").said_with(&[&bound, variables].concat())
    };
    let identity = ("AWS_WEB_IDENTITY_TOKEN_FILE", "/token");
    let unused = "unused credentials: role-arn";
    for variables in [
        &[][..],
        &[("AWS_ACCESS_KEY_ID", "id"), identity],
        &[("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/keys")],
        &[identity, ("AWS_ROLE_ARN", "arn:aws:iam::1:role/other")],
    ] {
        let said = said(variables);
        assert!(said.contains(unused), "{variables:?}: {said}");
    }
    for variables in [&[identity][..], &[identity, ("AWS_ROLE_ARN", ROLE)]] {
        let said = said(variables);
        assert!(said.contains("login aws-iam"), "{said}");
        assert!(!said.contains(unused), "{variables:?}: {said}");
    }
}

/// The Secrets of the manifests, as Kubernetes mounts them.
#[test]
fn the_manifests_bind_what_a_login_needs() {
    let authority = Authority::new();
    for (auth, login, server) in [
        ("aws-iam", "login aws-iam, user \"shop-sessions\"", "tls://master.shop-sessions."),
        ("azure-entra", "login azure-entra", "tls://shop.westeurope.redis.azure.net:10000"),
        ("google-iam", "login google-iam", "tls://10.0.0.3:6379"),
    ] {
        let file = format!("{}/samples/kubernetes/{auth}.yaml", env!("CARGO_MANIFEST_DIR"));
        let documents: Vec<Value> =
            serde_saphyr::from_multiple(&std::fs::read_to_string(file).unwrap()).unwrap();
        let secret = documents.iter().find(|it| it["kind"] == "Secret").unwrap();
        let mut bound = secret["stringData"].clone();
        if bound.get("ca.crt").is_some() {
            bound["ca.crt"] = json!(authority.pem);
        }
        let said = said(&bound, "auto", "");
        for part in [login, server, "through the session proxy"] {
            assert!(said.contains(part), "{auth}: {part:?} is not in:\n{said}");
        }
        assert!(!said.contains("unused"), "{auth}: {said}");
    }
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
