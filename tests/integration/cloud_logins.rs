//! PHP's sessions in a Redis with TLS that lets in whoever has a token of Entra, and nobody else.

use crate::fake_cloud::{Answer, Asked, ok, refusal, serve};
use crate::session_proxy::with_app;
use crate::support::TRIXIE;
use crate::support::check::{assert_verdict, check_in};
use crate::support::docker::docker_ok;
use crate::support::http_client::HttpClient;
use crate::support::relay::Relay;
use crate::support::services::vcap;
use crate::support::tls::{PASSWORD, TlsServer};
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

const SECRET: &str = "the-secret-of-the-application";
/// In seconds.
const LIFETIME: u32 = 6;

/// Entra, as far as an application with a secret needs it. The server's user `shop` gets each token.
fn entra(asked: &Asked, server: &str, issued: &AtomicU32) -> Answer {
    if asked.line != "POST /tenant/oauth2/v2.0/token" {
        // Another service, which has nothing to say.
        return Answer::Hang;
    }
    let fits = asked.header("content-type") == "application/x-www-form-urlencoded"
        && asked.field("client_secret") == SECRET
        && asked.field("scope") == "https://redis.azure.com/.default";
    if !fits {
        return refusal(401, json!({"error_description": "AADSTS7000215"}));
    }
    let number = issued.fetch_add(1, Ordering::SeqCst);
    // The payload is {"oid":"shop"}.
    let token = format!("token-{number}.eyJvaWQiOiJzaG9wIn0.x");
    let ask = format!(
        "redis-cli -p 6380 --tls --cacert /tls/ca.pem --no-auth-warning -a {PASSWORD} \
         acl setuser shop on '>{token}' '~*' +@all"
    );
    docker_ok(&["exec", server, "sh", "-c", &ask]);
    ok(json!({"access_token": token, "expires_in": LIFETIME}))
}

#[test]
fn php_counts_while_tokens_of_entra_come_and_go() {
    with_app(TRIXIE, |app| {
        let server = TlsServer::start("no", &[]);
        let (name, issued) = (server.container.name.clone(), Arc::new(AtomicU32::new(0)));
        let count = Arc::clone(&issued);
        let source = serve(move |asked| entra(asked, &name, &count));
        // Containers reach it through the engine's bridge.
        let source = Relay::start(source.parse().unwrap(), Duration::ZERO);
        let mut credentials = server.credentials();
        credentials.as_object_mut().unwrap().remove("password");
        credentials["auth"] = json!("azure-entra");
        let variables = [
            format!("VCAP_SERVICES={}", vcap(&[("redis-sessions", credentials)])),
            format!("AZURE_AUTHORITY_HOST=http://{}:{}", source.host(), source.port()),
            "AZURE_TENANT_ID=tenant".to_owned(),
            "AZURE_CLIENT_ID=client".to_owned(),
            format!("AZURE_CLIENT_SECRET={SECRET}"),
        ];
        let options: Vec<&str> = variables.iter().flat_map(|it| ["--env", it]).collect();
        let instance = app.start(&options);
        let mut visitor = HttpClient::new();
        let (begun, mut visits) = (Instant::now(), 0);
        // One is the launch's.
        while issued.load(Ordering::SeqCst) < 4 {
            visits += 1;
            assert_eq!(visitor.count(instance.address()), visits);
            assert!(begun.elapsed() < Duration::from_mins(1), "{issued:?}");
        }
        let command = ["launcher", "session-check", "--json"];
        assert_verdict(&check_in(&instance.container, &command), "kept");
        let log = instance.container.logs();
        assert!(log.contains("login azure-entra"), "{log}");
        assert!(log.contains("through the session proxy"), "{log}");
        assert!(!log.contains("token-"), "{log}");
        assert!(!log.contains(SECRET), "{log}");
    });
}
