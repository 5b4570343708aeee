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

/// It is no manifest of its own.
const PATCH: &str = "samples/kubernetes/service-account.patch.yaml";

#[test]
fn kubernetes_and_kpack_take_their_manifests() {
    let mut seen = 0;
    for folder in ["samples/kubernetes", "samples/kpack"] {
        for entry in file(folder).read_dir().unwrap() {
            let name = format!("{folder}/{}", entry.unwrap().file_name().to_str().unwrap());
            if name == PATCH {
                continue;
            }
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

/// The binding's name is the one that the Deployment mounts, and the login is one that we know.
#[test]
fn a_login_that_a_cloud_issues_takes_the_place_of_the_password() {
    let secret = &documents("samples/kubernetes/secret.yaml")[0];
    let mut deployment = documents("samples/kubernetes/deployment.yaml").remove(0);
    patch(&mut deployment, &documents(PATCH)[0]);
    assert_eq!(problems("apps/v1 Deployment", &deployment), [""; 0]);
    let template = &deployment["spec"]["template"];
    assert_eq!(template["metadata"]["labels"]["azure.workload.identity/use"], "true");
    for auth in ["aws-iam", "azure-entra", "google-iam"] {
        let documents = documents(&format!("samples/kubernetes/{auth}.yaml"));
        assert_eq!(documents[1]["metadata"]["name"], secret["metadata"]["name"]);
        assert_eq!(documents[1]["stringData"]["auth"], auth);
        assert!(documents[1]["stringData"].get("password").is_none(), "{auth}");
        assert_eq!(documents[0]["kind"], "ServiceAccount", "{auth}");
        let account = &documents[0]["metadata"]["name"];
        assert_eq!(&template["spec"]["serviceAccountName"], account, "{auth}");
    }
}

/// As `kubectl patch` does where there are no lists.
fn patch(document: &mut Value, with: &Value) {
    match with {
        Value::Object(fields) => {
            fields.iter().for_each(|(name, value)| patch(&mut document[name], value));
        }
        value => *document = value.clone(),
    }
}

/// The containers of a pod, those that come first included.
fn containers(pod: &Value) -> impl Iterator<Item = &Value> {
    ["initContainers", "containers"]
        .into_iter()
        .flat_map(|kind| pod[kind].as_array().into_iter().flatten())
}

/// Without it, `kubectl describe pod` does not say why a container has ended.
#[test]
fn the_reason_why_a_container_ends_is_kept() {
    for name in ["samples/kubernetes/deployment.yaml", "samples/kubernetes/sidecar.yaml"] {
        let pod = &documents(name)[0]["spec"]["template"]["spec"];
        assert_eq!(containers(pod).count(), 2, "{name}");
        for container in containers(pod) {
            let policy = &container["terminationMessagePolicy"];
            assert_eq!(policy, "FallbackToLogsOnError", "{name}: {}", container["name"]);
        }
    }
}

/// kpack reads the registry's login from the service account's `secrets`, the kubelet from `imagePullSecrets`, which takes
/// only this type.
#[test]
fn kpack_and_the_kubelet_log_in_to_a_private_registry() {
    let builder = documents("samples/kpack/builder.yaml");
    let of_kind = |kind: &'static str| builder.iter().filter(move |it| it["kind"] == kind);
    let account = of_kind("ServiceAccount").next().expect("a service account");
    let secret = of_kind("Secret").next().expect("a Secret");
    for field in ["secrets", "imagePullSecrets"] {
        assert_eq!(account[field][0]["name"], secret["metadata"]["name"], "{field}");
    }
    assert_eq!(secret["type"], "kubernetes.io/dockerconfigjson");
    let login = secret["stringData"][".dockerconfigjson"].as_str().expect("a text");
    let login: Value = serde_json::from_str(login).expect("JSON");
    let registries: Vec<&String> = login["auths"].as_object().expect("logins").keys().collect();
    let ours = of_kind("ClusterBuildpack").find(|it| {
        let image = it["spec"]["image"].as_str().expect("an image");
        registries.iter().any(|registry| image.starts_with(&format!("{registry}/")))
    });
    // A resource of the cluster has no namespace that the account's name could be looked up in.
    let reference = &ours.expect("a buildpack in that registry")["spec"]["serviceAccountRef"];
    assert_eq!(reference["name"], account["metadata"]["name"]);
    assert_eq!(reference["namespace"], account["metadata"]["namespace"]);
    assert!(reference["namespace"].is_string(), "{reference}");
}

/// A limit that the largest session exceeds would end the proxy, and every session's lock with it.
#[test]
fn a_sidecar_has_the_memory_that_the_largest_session_takes() {
    let page = text("docs/proxy.md");
    let (_, most) = page.split_once("another of that size (").expect("the figure");
    let most: u64 = most.split(' ').next().unwrap().parse().expect("megabytes");
    let pod = &documents("samples/kubernetes/sidecar.yaml")[0]["spec"]["template"]["spec"];
    let limit =
        pod["initContainers"][0]["resources"]["limits"]["memory"].as_str().expect("a limit");
    let mebibytes: u64 = limit.strip_suffix("Mi").expect("mebibytes").parse().expect("a number");
    assert!(mebibytes << 20 > most * 1_000_000, "{limit} for {most} MB");
    let app = &documents("samples/cloudfoundry/sidecar.yml")[0]["applications"][0];
    let mebibytes = |value: &Value| -> u64 {
        value
            .as_str()
            .and_then(|text| text.strip_suffix('M'))
            .expect("M")
            .parse()
            .expect("a number")
    };
    let sidecar = mebibytes(&app["sidecars"][0]["memory"]);
    assert!(sidecar << 20 > most * 1_000_000, "{sidecar}M for {most} MB");
    assert!(mebibytes(&app["memory"]) >= 2 * sidecar, "the app shares its memory with the sidecar");
}
