//! Redis services and bindings. The rows are in JSON files, to be read and extended.

use crate::harness::{CA, Harness};
use php_session_store::store::Store;
use php_session_store::variable::Variable;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;

/// A service of a Cloud Foundry broker.
#[derive(Deserialize)]
struct ServiceRow {
    what: String,
    label: String,
    credentials: Value,
    save_path: String,
}

/// A service binding of a Kubernetes operator or chart.
#[derive(Deserialize)]
struct BindingRow {
    what: String,
    files: BTreeMap<String, String>,
    save_path: String,
}

#[test]
fn services_of_cloud_foundry() {
    let rows: Vec<ServiceRow> = serde_json::from_str(include_str!("redis_services.json")).unwrap();
    let harness = Harness::new(Store::Redis, "6.2.0");
    for ServiceRow { what, label, credentials, save_path } in rows {
        let variables = harness.vcap(&label, &credentials);
        let variables = variables.unwrap_or_else(|error| panic!("{what}: {error}"));
        assert_eq!(harness.masked(&variables), save_path, "{what}");
    }
}

#[test]
fn bindings_of_kubernetes() {
    let rows: Vec<BindingRow> = serde_json::from_str(include_str!("redis_bindings.json")).unwrap();
    let harness = Harness::new(Store::Redis, "6.2.0");
    for BindingRow { what, files, save_path } in rows {
        let files: Vec<(&str, &str)> =
            files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
        let variables = harness.binding(&files);
        let variables = variables.unwrap_or_else(|error| panic!("{what}: {error}"));
        // A binding's own file is used as it is.
        assert_eq!(mask_files(&harness.masked(&variables)), save_path, "{what}");
    }
}

/// A managed service or an operator, with the credentials that docs/services.md says to bind.
#[derive(Deserialize)]
struct ManagedRow {
    service: String,
    credentials: BTreeMap<String, String>,
    save_path: String,
}

#[test]
fn managed_services() {
    let rows: Vec<ManagedRow> =
        serde_json::from_str(include_str!("managed_services.json")).unwrap();
    let page = include_str!("../../docs/services.md");
    let harness = Harness::new(Store::Redis, "6.2.0");
    for ManagedRow { service, credentials, save_path } in rows {
        assert!(page.contains(&format!("| {service} |")), "docs/services.md has no {service:?}");
        let files: Vec<(&str, &str)> = credentials
            .iter()
            .map(|(name, text)| (name.as_str(), if text == "$CA" { CA } else { text }))
            .collect();
        let variables = harness.binding(&files);
        let variables = variables.unwrap_or_else(|error| panic!("{service}: {error}"));
        assert_eq!(mask_files(&harness.masked(&variables)), save_path, "{service}");
    }
}

/// Files of a binding lie in a folder with a name of its own.
fn mask_files(path: &str) -> String {
    let mask = |part: &str| match part.split_once("=%2F") {
        Some((name, file)) => format!("{name}=*{}", &file[file.rfind('.').unwrap()..]),
        None => part.to_owned(),
    };
    path.split('&').map(mask).collect::<Vec<_>>().join("&")
}

#[test]
fn an_authority_that_5_3_cannot_be_told_of_is_php_s_together_with_the_systems() {
    let credentials = json!({"host": "h", "tls": true, "password": "pw", "cacrt": CA});
    let harness = Harness::new(Store::Redis, "5.3.7");
    let variables = harness.vcap("x", &credentials).unwrap();
    assert_eq!(harness.masked(&variables), "tls://h:6379?…&auth=pw");
    let bundle = fs::read_to_string(&variables[Variable::CaFile.name()]).unwrap();
    assert!(bundle.starts_with(CA));
    let ini_file = harness.layer.path().join("ca.d");
    assert!(variables[Variable::IniScanDir.name()].ends_with(ini_file.to_str().unwrap()));

    // A cluster's handler can be told of it in every version.
    let cluster = json!({"cluster.nodes": "h:1", "tls": true, "password": "pw", "cacrt": CA});
    let variables = harness.vcap("x", &cluster).unwrap();
    assert!(!variables.contains_key(Variable::CaFile.name()));
    assert!(harness.masked(&variables).ends_with("&stream[verify_peer]=1&stream[cafile]=*.pem"));
}
