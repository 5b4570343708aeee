//! The source of tokens, which is strict about what it is asked, and its faults.

use super::{CloudSite, Inner, Kind, LIFETIME};
use crate::fake_cloud::{Answer, Asked, ok, refusal, serve};
use serde_json::json;
use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use tempfile::TempDir;

const IDENTITY: &str = "hunter2-of-the-service-account";

/// What keeps the source from giving a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    Status(u16),
    Hang,
    /// An answer without anything in it.
    Empty,
    /// The file with the token of the service account is empty.
    EmptyFile,
    /// The token in that file has expired.
    ExpiredFile,
}

impl Fault {
    /// What a message says of it.
    pub(crate) fn said(self) -> String {
        match self {
            Self::Status(status) => format!("says HTTP {status}"),
            Self::Hang => "no answer in time".to_owned(),
            Self::Empty => "gives an answer without".to_owned(),
            Self::EmptyFile => "needs a token from that file, which is empty".to_owned(),
            Self::ExpiredFile => "says HTTP 401".to_owned(),
        }
    }
}

/// What the source has, and has done.
pub(super) struct Source {
    folder: TempDir,
    /// The tokens, or keys, that it has given.
    count: AtomicU32,
    fault: Mutex<Option<Fault>>,
}

impl Source {
    pub(super) fn new() -> Self {
        let source = Self {
            folder: tempfile::tempdir().unwrap(),
            count: AtomicU32::new(0),
            fault: Mutex::default(),
        };
        source.set_fault(None);
        source
    }

    /// The file with the token of the service account.
    fn file(&self) -> PathBuf {
        self.folder.path().join("token")
    }

    fn set_fault(&self, fault: Option<Fault>) {
        let text = match fault {
            Some(Fault::EmptyFile) => "",
            Some(Fault::ExpiredFile) => "hunter2-that-has-expired",
            _ => IDENTITY,
        };
        fs::write(self.file(), text).unwrap();
        *self.fault.lock().unwrap() = fault;
    }
}

impl CloudSite {
    /// The variables that name the source.
    pub(crate) fn source(&self) -> Vec<(&'static str, String)> {
        let site = Arc::clone(&self.inner);
        let address = serve(move |asked| site.answer(asked));
        let file = self.source.file().display().to_string();
        match self.kind {
            Kind::Aws => vec![
                ("AWS_CONTAINER_CREDENTIALS_FULL_URI", format!("http://{address}/keys")),
                ("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", file),
            ],
            Kind::Azure => vec![
                ("AZURE_AUTHORITY_HOST", format!("http://{address}")),
                ("AZURE_TENANT_ID", "tenant".to_owned()),
                ("AZURE_CLIENT_ID", "client".to_owned()),
                ("AZURE_FEDERATED_TOKEN_FILE", file),
            ],
            Kind::Google => vec![("GCE_METADATA_HOST", address)],
        }
    }
}

impl Inner {
    /// From now on the source has this fault, or none.
    pub(crate) fn set_fault(&self, fault: Option<Fault>) {
        self.source.set_fault(fault);
    }

    /// How many tokens, or keys, the source has given.
    pub(crate) fn issued(&self) -> u32 {
        self.source.count.load(Ordering::SeqCst)
    }

    fn answer(&self, asked: &Asked) -> Answer {
        match *self.source.fault.lock().unwrap() {
            None | Some(Fault::EmptyFile | Fault::ExpiredFile) => {}
            Some(Fault::Hang) => return Answer::Hang,
            Some(Fault::Empty) => return ok(""),
            Some(Fault::Status(status)) => return refusal(status, "no"),
        }
        let (line, identity) = match self.kind {
            Kind::Aws => ("GET /keys", asked.header("authorization")),
            Kind::Azure => ("POST /tenant/oauth2/v2.0/token", asked.field("client_assertion")),
            Kind::Google => (
                "GET /computeMetadata/v1/instance/service-accounts/default/token",
                // The machine's, which is asked without a token.
                if asked.header("metadata-flavor") == "Google" { IDENTITY } else { "" },
            ),
        };
        assert_eq!(asked.line, line);
        if identity != IDENTITY {
            return refusal(401, "no");
        }
        self.issue()
    }

    fn issue(&self) -> Answer {
        let number = self.source.count.fetch_add(1, Ordering::SeqCst);
        let secret = format!("token-{number}-hunter2");
        let (token, user) = match self.kind {
            Kind::Aws => {
                return ok(json!({"AccessKeyId": "id", "SecretAccessKey": "key", "Token": secret}));
            }
            // The payload is {"oid":"shop"}.
            Kind::Azure => (format!("{secret}.eyJvaWQiOiJzaG9wIn0.x"), "shop"),
            Kind::Google => (secret, "default"),
        };
        self.register(&token, user);
        ok(json!({"access_token": token, "expires_in": LIFETIME.as_secs()}))
    }
}
