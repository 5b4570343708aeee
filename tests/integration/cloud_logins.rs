//! PHP's sessions in a Redis with TLS that lets in whoever has a token of a cloud, and nobody else. The sources of tokens are
//! at the addresses where the clouds have them.

#[path = "../launch/cloud_site/signed.rs"]
mod signed;

use crate::fake_cloud::{Answer, Asked, ok, refusal, serve};
use crate::session_proxy::with_app;
use crate::support::TRIXIE;
use crate::support::check::{assert_verdict, check_in};
use crate::support::docker::{Container, docker_ok};
use crate::support::http_client::HttpClient;
use crate::support::relay::Relay;
use crate::support::services::vcap;
use crate::support::tls::{PASSWORD, SERVICES, TlsServer};
use cloud_login::{Aws, AwsService};
use serde_json::{Value, json};
use signed::{Keys, signed};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant, SystemTime};
use store_client::Date;

const SECRET: &str = "the-secret-of-the-application";
/// One of the addresses to which a secret goes without TLS; for ECS and, here, for Entra.
const NEAR: &str = "169.254.170.2";
/// Of a token, or of the keys that sign it.
const LIFETIME: Duration = Duration::from_secs(6);
/// Keys sign a token of the moment in which they were asked for.
const LONGEST_ASKED: u64 = 5;

/// All clouds, and the server that they issue tokens for.
struct Clouds {
    server: TlsServer,
    issued: AtomicU32,
}

impl Clouds {
    /// Each source, as far as it is needed, at its own host.
    fn answer(&self, asked: &Asked) -> Answer {
        let has_imds_session = asked.header("x-aws-ec2-metadata-token") == "imds-session";
        let is_application = asked.header("content-type") == "application/x-www-form-urlencoded"
            && asked.field("client_secret") == SECRET
            && asked.field("scope") == "https://redis.azure.com/.default";
        match (asked.header("host"), &*asked.line) {
            (NEAR, "GET /v2/credentials/task") => self.keys(),
            ("169.254.169.254", "PUT /latest/api/token")
                if !asked.header("x-aws-ec2-metadata-token-ttl-seconds").is_empty() =>
            {
                ok("imds-session")
            }
            ("169.254.169.254", "GET /latest/meta-data/iam/security-credentials/")
                if has_imds_session =>
            {
                ok("web")
            }
            ("169.254.169.254", "GET /latest/meta-data/iam/security-credentials/web")
                if has_imds_session =>
            {
                self.keys()
            }
            (
                "169.254.169.254",
                "GET /metadata/identity/oauth2/token?api-version=2018-02-01&resource=https%3A%2F%2Fredis.azure.com",
            ) if asked.header("metadata") == "true" => self.token_of_entra(),
            (NEAR, "POST /tenant/oauth2/v2.0/token") if is_application => self.token_of_entra(),
            (NEAR, _) => refusal(401, json!({"error_description": "AADSTS7000215"})),
            (
                "metadata.google.internal",
                "GET /computeMetadata/v1/instance/service-accounts/default/token",
            ) if asked.header("metadata-flavor") == "Google" => self.token("default", ""),
            // As behind a firewall.
            _ => Answer::Hang,
        }
    }

    fn number(&self) -> u32 {
        self.issued.fetch_add(1, Ordering::SeqCst)
    }

    fn token_of_entra(&self) -> Answer {
        // The payload is {"oid":"shop"}.
        self.token("shop", ".eyJvaWQiOiJzaG9wIn0.x")
    }

    fn token(&self, user: &str, end: &str) -> Answer {
        let token = format!("token-{}{end}", self.number());
        self.let_in(user, &[format!(">{token}")]);
        ok(json!({"access_token": token, "expires_in": LIFETIME.as_secs()}))
    }

    /// Keys of AWS. The server lets in who has a token that they sign about now.
    fn keys(&self) -> Answer {
        let now = SystemTime::now();
        let session = format!("token-{}", self.number());
        let keys = Keys { id: "id", secret: SECRET, session: Some(&session) };
        let passwords = (0..=LONGEST_ASKED).map(|ago| {
            let aws = Aws {
                service: AwsService::ElastiCache,
                cache: "shop".to_owned(),
                serverless: true,
                region: Some("eu-west-1".to_owned()),
                user: "web".to_owned(),
                role: None,
            };
            format!(">{}", signed(aws, &keys, now - Duration::from_secs(ago)))
        });
        self.let_in("web", &passwords.collect::<Vec<_>>());
        ok(json!({
            "AccessKeyId": keys.id, "SecretAccessKey": keys.secret, "Token": session,
            "Expiration": text_of(now + LIFETIME),
        }))
    }

    fn let_in(&self, user: &str, passwords: &[String]) {
        let ask = ["exec", &self.server.container.name, "redis-cli", "-p", "6380", "--tls"];
        let login = ["--cacert", "/tls/ca.pem", "--no-auth-warning", "-a", PASSWORD];
        let user = ["acl", "setuser", user, "on", "~*", "+@all"];
        let passwords: Vec<&str> = passwords.iter().map(String::as_str).collect();
        docker_ok(&[&ask[..], &login, &user, &passwords].concat());
    }
}

/// As AWS writes a moment.
fn text_of(moment: SystemTime) -> String {
    let seconds = moment.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
    let Date { year, month, day } = Date::of(seconds);
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// A network in which the clouds' addresses lead to this source, as the agents of ECS and EKS have it.
fn network_with(source: &Relay) -> Container {
    let (host, port) = (source.host(), source.port());
    let script = format!(
        "iptables -t nat -A OUTPUT -d 169.254.169.254,169.254.170.2 -p tcp --dport 80 \
         -j DNAT --to-destination {host}:{port} && echo ready && exec sleep infinity"
    );
    let options =
        [["--cap-add", "NET_ADMIN"], ["--add-host", "metadata.google.internal:169.254.169.254"]];
    let network = Container::start(options.as_flattened(), SERVICES, &["sh", "-c", &script]);
    network.wait_for_log("ready");
    network
}

/// With these credentials beside the server's, and these variables.
fn php_counts(auth: &str, credentials: &Value, variables: &[&str]) {
    with_app(TRIXIE, |app| {
        let server = TlsServer::start("no", &[]);
        let mut all = server.credentials();
        let all_credentials = all.as_object_mut().unwrap();
        all_credentials.remove("password");
        all_credentials.insert("auth".to_owned(), json!(auth));
        all_credentials.extend(credentials.as_object().unwrap().clone());
        let bound = format!("VCAP_SERVICES={}", vcap(&[("redis-sessions", all)]));
        let options: Vec<&str> =
            variables.iter().chain(&[&*bound]).flat_map(|it| ["--env", it]).collect();

        let clouds = Arc::new(Clouds { server, issued: AtomicU32::new(0) });
        let source = Arc::clone(&clouds);
        let source = serve(move |asked| source.answer(asked));
        // Containers reach it through the engine's bridge.
        let network = network_with(&Relay::start(source.parse().unwrap(), Duration::ZERO));
        let instance = app.start_in(network, &options);
        let mut visitor = HttpClient::new();
        let (begun, mut visits) = (Instant::now(), 0);
        // One is the launch's, one the proxy's first.
        while clouds.issued.load(Ordering::SeqCst) < 3 {
            visits += 1;
            assert_eq!(visitor.count(instance.address()), visits, "{}", instance.container.logs());
            assert!(begun.elapsed() < Duration::from_mins(1), "{:?}", clouds.issued);
        }
        assert_eq!(visitor.count(instance.address()), visits + 1);
        let command = ["launcher", "session-check", "--json"];
        assert_verdict(&check_in(&instance.container, &command), "kept");
        let log = instance.container.logs();
        assert!(log.contains(&format!("login {auth}")), "{log}");
        assert!(log.contains("through the session proxy"), "{log}");
        assert!(!log.contains("token-"), "{log}");
        assert!(!log.contains(SECRET), "{log}");
    });
}

fn php_counts_with_keys_of_aws(variables: &[&str]) {
    let cache = json!({
        "cache-name": "shop", "serverless": true, "region": "eu-west-1", "user-id": "web",
    });
    php_counts("aws-iam", &cache, variables);
}

#[test]
fn php_counts_while_keys_of_ecs_come_and_go() {
    php_counts_with_keys_of_aws(&["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI=/v2/credentials/task"]);
}

#[test]
fn php_counts_while_keys_of_ec2_come_and_go() {
    php_counts_with_keys_of_aws(&[]);
}

#[test]
fn php_counts_while_tokens_of_entra_come_and_go() {
    let secret = format!("AZURE_CLIENT_SECRET={SECRET}");
    let authority = format!("AZURE_AUTHORITY_HOST=http://{NEAR}");
    let variables = [&authority[..], "AZURE_TENANT_ID=tenant", "AZURE_CLIENT_ID=client", &secret];
    php_counts("azure-entra", &json!({}), &variables);
}

#[test]
fn php_counts_while_tokens_of_azures_virtual_machines_come_and_go() {
    php_counts("azure-entra", &json!({}), &[]);
}

#[test]
fn php_counts_while_tokens_of_google_come_and_go() {
    php_counts("google-iam", &json!({}), &[]);
}
