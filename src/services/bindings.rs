//! Service bindings: a folder for each service, a file for each credential (servicebinding.io).

use super::binding_files::{Layout, entries};
use super::origin::{Origin, VCAP_SERVICES_FILE_PATH, shown};
use super::service::{CredentialSource, Service};
use crate::system::files::read_text_if_present;
use std::path::{Path, PathBuf};

/// Reads the bindings below `root`. If there is no such folder, there are no bindings.
pub(super) fn read(root: &Path) -> anyhow::Result<Vec<Service>> {
    let mut services: Vec<Service> = entries(root)?
        .into_iter()
        .filter(|(_, path)| path.is_dir())
        .map(|(name, path)| service(root, name, path))
        .collect();
    services.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(services)
}

/// What looks wrong about a folder without bindings, or with a binding that has no files: they may be mounted one
/// folder too high or too deep. `named` tells whether a variable names the folder.
pub(super) fn problem(root: &Path, found: &[Service], named: bool) -> Option<String> {
    let shown = shown(root);
    if root.join("type").is_file() || root.join("host").is_file() {
        return Some(format!(
            "this folder is itself a binding: mount it one level deeper, as {shown}/NAME"
        ));
    }
    if found.is_empty() && named && !root.exists() {
        return Some("no such folder".to_owned());
    }
    let is_json_file = |(_, path): &(String, PathBuf)| is_json(path) && path.is_file();
    let (name, _) = entries(root).ok()?.into_iter().find(is_json_file)?;
    found.is_empty().then(|| {
        format!(
            "{name:?} is a file: a binding is a folder with a file for each credential. For JSON as Cloud Foundry writes it, set {VCAP_SERVICES_FILE_PATH}={shown}/{name}"
        )
    })
}

/// What holds the credentials of a folder without a type, if they are not files of its own.
fn misplaced(folder: &Path) -> Option<String> {
    if folder.join("metadata").is_dir() {
        return None;
    }
    let inner = entries(folder).ok()?;
    if let Some((name, _)) = inner.iter().find(|(_, path)| path.join("type").is_file()) {
        return Some(format!("binding is mounted one level too deep, in {name}"));
    }
    match inner.as_slice() {
        [(name, path)] if is_json(path) => Some(format!(
            "folder holds only {name}: a binding has a file for each credential, and one named type"
        )),
        _ => None,
    }
}

fn is_json(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "json")
}

fn service(root: &Path, name: String, folder: PathBuf) -> Service {
    let layout = Layout::of(&folder);
    let read = |name: &str| -> anyhow::Result<Option<String>> {
        let text = read_text_if_present(&layout.metadata.join(name))?;
        Ok(text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty()))
    };
    let text = |name: &str| read(name).unwrap_or(None);
    let kind = read(layout.kind);
    let problem = kind.as_ref().err().map(|problem| format!("type {problem}"));
    Service {
        name,
        instance_name: text("instance-name"),
        problem: problem.or_else(|| misplaced(&folder)),
        kind: kind.ok().flatten(),
        tags: text("tags").map(|tags| parse_tags(&tags)).unwrap_or_default(),
        origin: Origin::Bindings(root.to_owned()),
        credentials: CredentialSource::Folder(folder),
        ..Service::default()
    }
}

/// Cloud Foundry writes tags as a JSON list; people write `a, b`.
fn parse_tags(text: &str) -> Vec<String> {
    serde_json::from_str(text)
        .unwrap_or_else(|_| text.split(',').map(|tag| tag.trim().to_owned()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::services::Credential;
    use std::fs;
    use std::os::unix::fs::symlink;
    use std::process::Command;

    fn write(root: &Path, files: &[(&str, &[u8])]) {
        for (name, content) in files {
            let path = root.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
    }

    #[test]
    fn a_mounted_secret_is_one_service() {
        let root = tempfile::tempdir().unwrap();
        write(
            root.path(),
            &[
                ("cache/..2026/type", b"php-redis-session\n"),
                ("cache/..2026/host", b"h\n"),
                ("cache/..2026/password", b" p \n"),
                ("README", b"no binding"),
            ],
        );
        symlink("..2026", root.path().join("cache/..data")).unwrap();
        for key in ["type", "host", "password"] {
            symlink(format!("..data/{key}"), root.path().join("cache").join(key)).unwrap();
        }
        let services = read(root.path()).unwrap();
        assert_eq!(services.len(), 1);
        assert_eq!(services[0].name, "cache");
        assert_eq!(services[0].kind.as_deref(), Some("php-redis-session"));
        let credentials = services[0].credentials().unwrap();
        assert_eq!(credentials.keys().collect::<Vec<_>>(), ["host", "password"]);
        // Blanks belong to a password, the newline does not.
        assert_eq!(credentials["password"], Credential::Value(" p ".into()));
    }

    #[test]
    fn the_older_layout_is_read_too() {
        let root = tempfile::tempdir().unwrap();
        write(
            root.path(),
            &[
                ("cache/metadata/kind", b"php-redis-session"),
                ("cache/metadata/provider", b"acme"),
                ("cache/secret/host", b"h"),
                ("cache/secret/type", b"kept"),
            ],
        );
        let services = read(root.path()).unwrap();
        assert_eq!(services[0].kind.as_deref(), Some("php-redis-session"));
        assert_eq!(
            services[0].credentials().unwrap().into_keys().collect::<Vec<_>>(),
            ["host", "type"]
        );
    }

    #[test]
    fn cloud_foundrys_files_tell_tags_and_instance() {
        let root = tempfile::tempdir().unwrap();
        write(
            root.path(),
            &[
                ("b/type", b"user-provided"),
                ("b/tags", br#"["redis-sessions"]"#),
                ("b/instance-name", b"shop"),
            ],
        );
        let services = read(root.path()).unwrap();
        assert_eq!(services[0].tags, ["redis-sessions"]);
        assert_eq!(services[0].instance_name.as_deref(), Some("shop"));
    }

    #[test]
    fn odd_entries_are_handled_and_never_waited_for() {
        let root = tempfile::tempdir().unwrap();
        write(root.path(), &[("a/host", b"h"), ("a/password", &[0xff]), ("a/sub/x", b"x")]);
        assert!(Command::new("mkfifo").arg(root.path().join("a/fifo")).status().unwrap().success());
        symlink("loop", root.path().join("a/loop")).unwrap();
        symlink("nowhere", root.path().join("dangling")).unwrap();
        symlink("self", root.path().join("self")).unwrap();

        let services = read(root.path()).unwrap();
        assert_eq!(services.len(), 1, "{services:?}");
        assert_eq!(services[0].kind, None);
        let credentials = services[0].credentials().unwrap();
        assert_eq!(credentials.keys().collect::<Vec<_>>(), ["fifo", "host", "loop", "password"]);
        for name in ["fifo", "loop", "password"] {
            assert!(matches!(credentials[name], Credential::Unusable(_)), "{name}");
        }
    }

    #[test]
    fn no_folder_means_no_bindings_and_a_file_is_an_error() {
        let root = tempfile::tempdir().unwrap();
        assert!(read(&root.path().join("none")).unwrap().is_empty());
        write(root.path(), &[("file", b"")]);
        let error = read(&root.path().join("file")).unwrap_err();
        assert!(error.to_string().contains("which is a file"), "{error}");
    }
}
