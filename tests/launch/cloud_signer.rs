//! Tokens of AWS IAM, compared with those that botocore, AWS's own library for Python, makes of the same.

use crate::cloud_site::signed::{Keys, signed};
use cloud_login::{Aws, AwsService};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::io::Write;
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/launch/botocore_tokens.py");
/// The first that has botocore is asked. Debian's package is for Debian's own Python.
const PYTHONS: [&str; 2] = ["python3", "/usr/bin/python3"];
const CASES: usize = 500;

/// What a token is made of.
fn case() -> impl Strategy<Value = Value> {
    let services = prop_oneof![Just("elasticache"), Just("memorydb")];
    let of = (services, any::<bool>(), "[A-Za-z0-9._~!$&'()*+,;=-]{1,40}", "[a-z0-9-]{1,20}");
    let keys = ("[A-Za-z0-9/+=]{1,40}", "[!-~]{1,80}", option::of("[A-Za-z0-9/+=]{1,400}"));
    // Until 2100.
    let at = 0_u64..4_102_444_800;
    (of, "\\PC{1,40}", keys, at).prop_map(|(of, user, (id, secret, session), at)| {
        let (service, serverless, cache, region) = of;
        json!({
            "service": service, "serverless": serverless, "cache": cache, "region": region, "user": user,
            "id": id, "secret": secret, "session": session, "at": at,
        })
    })
}

fn ours(case: &Value) -> String {
    let text = |name: &str| case[name].as_str().unwrap().to_owned();
    let aws = Aws {
        service: match &*text("service") {
            "memorydb" => AwsService::MemoryDb,
            _ => AwsService::ElastiCache,
        },
        cache: text("cache"),
        serverless: case["serverless"] == true,
        region: Some(text("region")),
        user: text("user"),
        role: None,
    };
    let keys = Keys { id: &text("id"), secret: &text("secret"), session: case["session"].as_str() };
    signed(aws, &keys, SystemTime::UNIX_EPOCH + Duration::from_secs(case["at"].as_u64().unwrap()))
}

fn botocores(cases: &[Value]) -> Vec<String> {
    let has_botocore = |python: &&str| {
        let tried = Command::new(python).args(["-c", "import botocore"]).output();
        tried.is_ok_and(|it| it.status.success())
    };
    let python = PYTHONS.into_iter().find(has_botocore).expect(
        "Python has no botocore: run apt-get install python3-botocore, or python3 -m pip install botocore",
    );
    let mut script = Command::new(python);
    script.arg(SCRIPT).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut script = script.spawn().unwrap();
    script.stdin.take().unwrap().write_all(json!(cases).to_string().as_bytes()).unwrap();
    let output = script.wait_with_output().unwrap();
    serde_json::from_slice(&output.stdout).expect("a list of tokens")
}

/// The parameters are signed in the same order, but botocore writes them in another.
fn parts(token: &str) -> Vec<&str> {
    let mut parts: Vec<&str> = token.split(['?', '&']).collect();
    parts.sort_unstable();
    parts
}

proptest! {
    // All cases are one list, for one Python.
    #![proptest_config(ProptestConfig { cases: 1, max_shrink_iters: 0, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn botocore_signs_the_same(cases in vec(case(), CASES)) {
        let theirs = botocores(&cases);
        prop_assert_eq!(theirs.len(), CASES);
        for (case, theirs) in cases.iter().zip(&theirs) {
            let ours = ours(case);
            prop_assert_eq!(parts(&ours), parts(theirs), "{}", case);
        }
    }
}
