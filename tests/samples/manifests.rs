//! Each manifest against the schema of what reads it. `schemas/README.md` says where those are from.

use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};

/// A file of the repository.
pub(crate) fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// The text of a file of the repository.
pub(crate) fn text(name: &str) -> String {
    fs::read_to_string(file(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The documents of a YAML file.
fn documents(name: &str) -> Vec<Value> {
    serde_saphyr::from_multiple(&text(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// What is wrong with a document, by the schema of its kind.
fn problems(kind: &str, document: &Value) -> Vec<String> {
    let schemas =
        file("tests/samples/schemas").read_dir().unwrap().map(|entry| entry.unwrap().path());
    for path in schemas.filter(|path| path.extension().is_some_and(|it| it == "json")) {
        let mut schema: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
        let Some(definition) = schema["kinds"][kind].as_str() else { continue };
        schema["allOf"] = json!([{"$ref": format!("#/definitions/{definition}")}]);
        let validator = jsonschema::validator_for(&schema).unwrap();
        return validator
            .iter_errors(document)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
    }
    vec![format!("no schema has {kind:?}")]
}

/// The kind of a document, as the schemas name it.
fn kind(document: &Value) -> String {
    let field = |name: &str| document[name].as_str().unwrap_or_default().to_owned();
    format!("{} {}", field("apiVersion"), field("kind"))
}

#[test]
fn kubernetes_and_kpack_take_their_manifests() {
    let mut seen = 0;
    for folder in ["samples/kubernetes", "samples/kpack"] {
        for entry in file(folder).read_dir().unwrap() {
            let name = format!("{folder}/{}", entry.unwrap().file_name().to_str().unwrap());
            for document in documents(&name) {
                assert_eq!(problems(&kind(&document), &document), [""; 0], "{name}");
                seen += 1;
            }
        }
    }
    assert!(seen >= 10, "{seen} documents");
}

#[test]
fn cloud_foundry_takes_its_manifests() {
    for name in ["samples/cloudfoundry/manifest.yml", "samples/cloudfoundry/sidecar.yml"] {
        assert_eq!(problems("manifest", &documents(name)[0]), [""; 0], "{name}");
    }
}

/// A schema that takes anything would make the tests above say nothing.
#[test]
fn what_is_misspelt_or_missing_is_seen() {
    let mut deployment = documents("samples/kubernetes/deployment.yaml").remove(0);
    let spec = &mut deployment["spec"]["template"]["spec"];
    spec["containers"][0]["volumeMount"] = json!([]);
    spec["volumes"][0]["secret"]["secretName"] = json!(5);
    assert_eq!(problems("apps/v1 Deployment", &deployment).len(), 2);

    let mut image = documents("samples/kpack/image.yaml").remove(0);
    image["spec"]["build"]["bindings"] = json!([]);
    image["spec"].as_object_mut().unwrap().remove("tag");
    assert_eq!(problems("kpack.io/v1alpha2 Image", &image).len(), 2);

    let mut manifest = documents("samples/cloudfoundry/manifest.yml").remove(0);
    manifest["applications"][0]["lifecycle"] = json!("cnbs");
    assert_eq!(problems("manifest", &manifest).len(), 1);
    assert!(!problems("v1 Sekret", &json!({})).is_empty());
}

/// What the manifests say of each other and of the buildpack.
#[test]
fn manifests_name_the_same_things() {
    let descriptor: toml::Table = text("buildpack.toml").parse().unwrap();
    let id = descriptor["buildpack"]["id"].as_str().unwrap();
    for name in ["samples/kpack/builder.yaml", "samples/project.toml"] {
        assert!(
            text(name).contains(&format!(" {id}\n")) || text(name).contains(&format!("\"{id}\"")),
            "{name}"
        );
    }
    let secret = &documents("samples/kubernetes/secret.yaml")[0]["metadata"]["name"];
    let image = &documents("samples/kpack/image.yaml")[0];
    let deployment = &documents("samples/kubernetes/deployment.yaml")[0];
    let binding = &documents("samples/kubernetes/servicebinding.yaml")[0];
    assert_eq!(&image["spec"]["build"]["services"][0]["name"], secret);
    let pod = &deployment["spec"]["template"]["spec"];
    assert_eq!(&pod["volumes"][0]["secret"]["secretName"], secret);
    assert_eq!(&binding["spec"]["service"]["name"], secret);
    assert_eq!(binding["spec"]["workload"]["name"], deployment["metadata"]["name"]);
}
