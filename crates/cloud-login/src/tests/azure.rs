//! Tokens of Entra, from each place.

use super::fake::{Answer, Asked, ok, refusal, serve};
use super::{token, url};
use crate::{Azure, Cloud};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use std::fs;

const SCOPE: &str = "https://redis.azure.com/.default";
const QUERY: &str = "resource=https%3A%2F%2Fredis.azure.com&client_id=app";

fn jwt(payload: &Value) -> String {
    format!("head.{}.signature", URL_SAFE_NO_PAD.encode(payload.to_string()))
}

/// As Entra answers it, with numbers; metadata services have texts.
fn issued(oid: &str) -> Value {
    let access_token = jwt(&json!({"oid": oid, "aud": "https://redis.azure.com"}));
    json!({"access_token": access_token, "expires_in": 3599, "token_type": "Bearer"})
}

fn issued_as_text(oid: &str) -> Value {
    let access_token = issued(oid)["access_token"].clone();
    json!({"access_token": access_token, "expires_on": "32472144000", "resource": "x"})
}

fn entra(asked: &Asked) -> Answer {
    let common = asked.line == "POST /tenant/oauth2/v2.0/token"
        && asked.field("client_id") == "app"
        && asked.field("scope") == SCOPE
        && asked.field("grant_type") == "client_credentials";
    let by_file = asked.field("client_assertion_type")
        == "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
        && asked.field("client_assertion") == "service.account";
    match asked.field("client_secret") {
        "p@ss+w=rd&" if common => ok(issued("of-secret")),
        "" if common && by_file => ok(issued("of-file")),
        _ => refusal(
            401,
            json!({"error": "invalid_client", "error_description": "AADSTS7000215: no"}),
        ),
    }
}

fn platform(asked: &Asked) -> Answer {
    let line = format!("GET /msi/token?api-version=2019-08-01&{QUERY}");
    if asked.line == line && asked.header("x-identity-header") == "header" {
        ok(issued_as_text("of-platform"))
    } else {
        refusal(400, json!({"message": "bad"}))
    }
}

fn metadata(asked: &Asked) -> Answer {
    let line = format!("GET /metadata/identity/oauth2/token?api-version=2018-02-01&{QUERY}");
    if asked.line == line && asked.header("metadata") == "true" {
        ok(issued_as_text("of-machine"))
    } else {
        refusal(400, json!({"error": "invalid_request"}))
    }
}

#[test]
fn tokens_come_from_the_first_place_in_the_order_of_azures_libraries() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    fs::write(&file, "service.account\n").unwrap();
    let entra = format!("{}/", url(&serve(entra)));
    let (platform, metadata) =
        (format!("{}/msi/token", url(&serve(platform))), url(&serve(metadata)));
    let all = [
        ("AZURE_CLIENT_SECRET", "p@ss+w=rd&"),
        ("AZURE_FEDERATED_TOKEN_FILE", file.to_str().unwrap()),
        ("AZURE_TENANT_ID", "tenant"),
        ("AZURE_AUTHORITY_HOST", &entra),
        ("IDENTITY_ENDPOINT", &platform),
        ("IDENTITY_HEADER", "header"),
        ("AZURE_POD_IDENTITY_AUTHORITY_HOST", &metadata),
        ("AZURE_CLIENT_ID", "app"),
    ];
    let user = |variables: &[(&str, &str)]| {
        token(Cloud::Azure(Azure::default()), variables).unwrap().auth.user.clone().unwrap()
    };
    assert_eq!(user(&all), "of-secret");
    assert_eq!(user(&all[1..]), "of-file");
    assert_eq!(user(&all[4..]), "of-platform");
    assert_eq!(user(&all[6..]), "of-machine");
}

#[test]
fn credentials_of_the_service_come_before_the_environments() {
    let entra = url(&serve(entra));
    let azure = Azure {
        tenant: Some("tenant".to_owned()),
        client: Some("app".to_owned()),
        secret: Some(store_client::Secret::new("p@ss+w=rd&")),
        user: Some("given".to_owned()),
    };
    let environment = [
        ("AZURE_AUTHORITY_HOST", &*entra),
        ("AZURE_CLIENT_ID", "other"),
        ("AZURE_TENANT_ID", "other"),
        ("AZURE_CLIENT_SECRET", "other"),
    ];
    let token = token(Cloud::Azure(azure), &environment).unwrap();
    assert_eq!(token.auth.user.as_deref(), Some("given"));
}

#[test]
fn a_token_without_an_object_id_is_an_error_that_does_not_show_it() {
    let address = url(&serve(|_| ok(json!({"access_token": "a.b.c", "expires_in": 1000}))));
    let variables = [("AZURE_POD_IDENTITY_AUTHORITY_HOST", &*address)];
    let error = token(Cloud::Azure(Azure::default()), &variables).unwrap_err().to_string();
    assert!(error.contains("names no object id"), "{error}");
    assert!(!error.contains("a.b.c"), "{error}");
}
