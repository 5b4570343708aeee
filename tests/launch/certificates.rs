//! What the launch says about certificates that cannot be used: each mistake in its own words.

use crate::harness::Harness;
use crate::servers::{Authority, server_config, tls_server};
use php_session_store::store::Store;
use rcgen::{CertificateParams, KeyPair, date_time_ymd};
use serde_json::{Value, json};

/// What a launch says of a server with this certificate and key.
fn said(identity: &(String, String), ca: &str, more: &Value) -> String {
    let port = tls_server(server_config(identity, None));
    let mut credentials = json!({"host": "127.0.0.1", "port": port, "tls": true, "ca.crt": ca});
    credentials.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    Harness::new(Store::Redis, "6.2.0").said_when_asked(&credentials)
}

fn assert_says(said: &str, problem: &str, advice: &str) {
    assert!(said.starts_with("No session can be kept"), "{said}");
    assert!(said.contains(problem), "{problem:?} is not in\n{said}");
    assert!(said.contains(advice), "{advice:?} is not in\n{said}");
}

#[test]
fn a_servers_certificate_that_is_not_trusted_is_said_with_the_reason() {
    let authority = Authority::new();
    let not_trusted = |reason: &str| format!("The server's certificate is not trusted: {reason}");
    let dated = |from: i32, until: i32| {
        let mut params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
        params.not_before = date_time_ymd(from, 1, 1);
        params.not_after = date_time_ymd(until, 2, 28);
        let key = KeyPair::generate().unwrap();
        let identity = params.signed_by(&key, &authority.issuer).unwrap().pem();
        said(&(identity, key.serialize_pem()), &authority.pem, &json!({}))
    };
    assert_says(&dated(2019, 2021), &not_trusted("it expired on 2021-02-28."), "Renew the server");
    let early = dated(2998, 2999);
    assert_says(&early, &not_trusted("it is valid from 2998-01-01 on."), "Check the clock");

    let other = said(&authority.identity("redis.example"), &authority.pem, &json!({}));
    let reason = "for another name: it is for redis.example, not for 127.0.0.1.";
    assert_says(&other, reason, "Use a name of the certificate as the host");

    let unknown = said(&authority.identity("127.0.0.1"), &Authority::new().pem, &json!({}));
    let reason = not_trusted("no CA that we trust signed it.");
    assert_says(&unknown, &reason, "The CA in the credentials (ca.crt) is another one.");
    let none = said(&authority.identity("127.0.0.1"), &authority.pem, &json!({"ca.crt": null}));
    assert_says(&none, &not_trusted(""), "(not the server's own) to the credentials as ca.crt.");
}

#[test]
fn a_key_of_another_certificate_and_der_are_named() {
    let authority = Authority::new();
    let (certificate, _) = authority.identity("client");
    let (_, key) = authority.identity("client");
    let more = json!({"tls.crt": certificate, "tls.key": key});
    let mixed = said(&authority.identity("127.0.0.1"), &authority.pem, &more);
    let problem = "A certificate or key cannot be used: the client's key is not that of the client's certificate.";
    assert_says(&mixed, problem, "Check ca.crt, tls.crt and tls.key");

    let lines = authority.pem.lines().filter(|line| !line.starts_with("-----"));
    let der_in_base64 = json!({"ca.crt": lines.collect::<String>()});
    let der = said(&authority.identity("127.0.0.1"), &authority.pem, &der_in_base64);
    assert!(der.contains("\"ca.crt\" is DER in base64, not PEM"), "{der}");
    let file: &[u8] = &[0x30, 0x82, 0x01, 0x0a, 0xff];
    let der = Harness::new(Store::Redis, "6.2.0").binding_with("ca.crt", file).unwrap_err();
    assert!(der.contains("\"ca.crt\" is a certificate or key in DER, not in PEM"), "{der}");
}
