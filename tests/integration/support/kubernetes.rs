//! What Kubernetes makes of the manifests in `samples/`, with the Docker engine in its place.

use super::app::{make_readable, root};
use super::docker::{both, docker};
use super::services::Redis;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};

/// The documents of a file in `samples/`.
pub(crate) fn sample(name: &str) -> Vec<Value> {
    let path = root().join("samples").join(name);
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{name}: {error}"));
    serde_saphyr::from_multiple(&text).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// A Secret's entries.
pub(crate) fn entries(secret: &Value) -> BTreeMap<String, String> {
    serde_json::from_value(secret["stringData"].clone()).expect("texts")
}

/// Writes a Secret's volume as the kubelet does: the files in a folder that is replaced as a whole, and links to them.
pub(crate) fn write_secret_volume(folder: &Path, entries: &BTreeMap<String, String>) {
    write_version(folder, entries);
    for name in entries.keys() {
        symlink(Path::new("..data").join(name), folder.join(name)).expect("our own folder");
    }
    make_readable(folder);
}

/// Changes a Secret's volume as the kubelet does: a new folder, and the link to it moves in one step.
pub(crate) fn change_secret_volume(folder: &Path, entries: &BTreeMap<String, String>) {
    let old = fs::read_link(folder.join("..data")).expect("a Secret's volume");
    write_version(folder, entries);
    fs::remove_dir_all(folder.join(old)).expect("our own folder");
}

fn write_version(folder: &Path, entries: &BTreeMap<String, String>) {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let version = format!("..2026_11_25_12_00_00.{:010}", COUNT.fetch_add(1, Ordering::Relaxed));
    fs::create_dir_all(folder.join(&version)).expect("our own folder");
    make_readable(&folder.join(&version));
    for (name, text) in entries {
        fs::write(folder.join(&version).join(name), text).expect("our own folder");
    }
    symlink(&version, folder.join("..data_tmp")).expect("our own folder");
    fs::rename(folder.join("..data_tmp"), folder.join("..data")).expect("our own folder");
}

/// A container of a pod as `docker run` takes it: options before the image, and what comes after it.
pub(crate) struct PodContainer {
    pub(crate) options: Vec<String>,
    pub(crate) arguments: Vec<String>,
}

impl PodContainer {
    /// Runs the container to its end; gives whether it succeeded, and what it printed.
    pub(crate) fn run(&self, image: &str) -> (bool, String) {
        let mut command = vec!["run", "--rm"];
        command.extend(self.options.iter().map(String::as_str));
        command.push(image);
        command.extend(self.arguments.iter().map(String::as_str));
        let output = docker(&command);
        (output.status.success(), both(&output))
    }
}

/// The Redis that a Secret is for: its user, its password.
pub(crate) fn redis_of(secret: &BTreeMap<String, String>) -> Redis {
    let password = secret["password"].as_str();
    let login = format!(">{password}");
    Redis::start_with(&[
        "--requirepass",
        password,
        "--user",
        &secret["username"],
        "on",
        "~*",
        "+@all",
        &login,
    ])
}

/// Translates a container of a pod. `volumes` has the folders of the Secrets, and of volumes that containers share, by
/// name. Whatever is not
/// translated is an error: nothing of a manifest shall look tested that is not.
pub(crate) fn container(
    pod: &Value,
    container: &Value,
    volumes: &BTreeMap<String, &Path>,
) -> PodContainer {
    let mut options = Vec::new();
    let mut arguments = Vec::new();
    for (field, value) in container.as_object().expect("a container") {
        match field.as_str() {
            // The name and the image are the test's; it probes, and starts again, by itself.
            "name"
            | "image"
            | "ports"
            | "readinessProbe"
            | "livenessProbe"
            | "startupProbe"
            | "restartPolicy"
            | "resources"
            | "terminationMessagePolicy" => {}
            "env" => {
                for variable in list(value) {
                    options.push(format!(
                        "--env={}={}",
                        text(&variable["name"]),
                        text(&variable["value"])
                    ));
                }
            }
            "command" => {
                let mut words = list(value).iter().map(text);
                options.extend(words.next().map(|program| format!("--entrypoint={program}")));
                arguments.extend(words.map(str::to_owned));
            }
            "volumeMounts" => {
                options.extend(list(value).iter().map(|mount| volume(pod, mount, volumes)));
            }
            "securityContext" => options.extend(hardening(value)),
            other => panic!("{other} of a container is not translated"),
        }
    }
    PodContainer { options, arguments }
}

fn volume(pod: &Value, mount: &Value, volumes: &BTreeMap<String, &Path>) -> String {
    let path = text(&mount["mountPath"]);
    let volume = list(&pod["volumes"]).iter().find(|volume| volume["name"] == mount["name"]);
    let volume = volume.unwrap_or_else(|| panic!("no volume for {mount}"));
    if let Some(shared) = volumes.get(text(&mount["name"])) {
        return format!("--volume={}:{path}", shared.display());
    }
    if volume["emptyDir"].is_object() {
        return format!("--tmpfs={path}:mode=1777");
    }
    let secret = volumes.get(text(&volume["secret"]["secretName"])).expect("a Secret");
    format!("--volume={}:{path}:ro", secret.display())
}

fn hardening(context: &Value) -> Vec<String> {
    let settings = context.as_object().expect("a security context");
    settings
        .iter()
        .map(|(setting, value)| match (setting.as_str(), value.to_string().as_str()) {
            ("readOnlyRootFilesystem", "true") => "--read-only".to_owned(),
            ("allowPrivilegeEscalation", "false") => "--security-opt=no-new-privileges".to_owned(),
            ("capabilities", r#"{"drop":["ALL"]}"#) => "--cap-drop=ALL".to_owned(),
            other => panic!("{other:?} is not translated"),
        })
        .collect()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().expect("a list")
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a text")
}
