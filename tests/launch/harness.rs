//! The launch in a harness: one service, and what PHP would be told of it.

use php_session_store::app::AppOptions;
use php_session_store::config::environment::Environment;
use php_session_store::frameworks::known::{Framework, Kind};
use php_session_store::launch::prepare::{Launch, prepare};
use php_session_store::launch::route::ProxyWanted;
use php_session_store::services::search_keys::SearchKeys;
use php_session_store::store::Store;
use php_session_store::variable::Variable;
use php_session_store::{
    build::session::write_files,
    launch::build_record::{AppFacts, LaunchRecord},
};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A launch with a session layer for a store, and what it makes of a service.
pub(crate) struct Harness {
    pub(crate) layer: TempDir,
    store: Store,
    record: LaunchRecord,
}

/// Where the harness's session proxy would be.
pub(crate) const PROXY_SOCKET: &str = "/proxy/redis.sock";

/// Stands for starting the proxy, which takes the session layer's program.
pub(crate) fn proxy(wanted: &ProxyWanted<'_>) -> anyhow::Result<PathBuf> {
    anyhow::ensure!(wanted.layer.is_dir(), "there is no session layer");
    Ok(PathBuf::from(PROXY_SOCKET))
}

pub(crate) type Variables = BTreeMap<&'static str, String>;

impl Harness {
    pub(crate) fn new(store: Store, extension_version: &str) -> Self {
        Self::with_tls(store, extension_version, true)
    }

    /// With a PHP that has OpenSSL, or not.
    pub(crate) fn with_tls(store: Store, extension_version: &str, knows_tls: bool) -> Self {
        Self::with(store, extension_version, knows_tls, &Environment::default())
    }

    /// Of a build in which PHP has ids of this length.
    pub(crate) fn with_sid_length(store: Store, extension_version: &str, length: usize) -> Self {
        let harness = Self::new(store, extension_version);
        let file = harness.layer.path().join("session.toml");
        let record = fs::read_to_string(&file).unwrap();
        let length = format!("sid-length = {length}");
        fs::write(&file, record.replace("sid-length = 32", &length)).unwrap();
        harness
    }

    /// Of a build with `BP_PHP_SESSION_STORE`.
    pub(crate) fn chosen(store: Store) -> Self {
        let environment = [("BP_PHP_SESSION_STORE", store.name())].into_iter().collect();
        let version = if store == Store::Redis { "6.2.0" } else { "3.3.0" };
        Self::with(store, version, true, &environment)
    }

    fn with(store: Store, extension_version: &str, knows_tls: bool, build: &Environment) -> Self {
        Self::with_framework(store, extension_version, knows_tls, build, None)
    }

    /// With an app of this framework.
    pub(crate) fn of_framework(store: Store, kind: Kind, version: &str) -> Self {
        let framework = Framework { kind, version: Some(version.to_owned()) };
        Self::with_framework(store, "6.2.0", true, &Environment::default(), Some(framework))
    }

    fn with_framework(
        store: Store,
        extension_version: &str,
        knows_tls: bool,
        build: &Environment,
        framework: Option<Framework>,
    ) -> Self {
        let layer = tempfile::tempdir().unwrap();
        let keys = SearchKeys::determine(build, &AppOptions::default()).unwrap();
        let extension_version = extension_version.parse().unwrap();
        let record = LaunchRecord {
            store,
            extension_version,
            knows_tls,
            openssl_cafile: String::new(),
            openssl_capath: String::new(),
            sid_length: 32,
            search_keys: keys,
            strict_mode: false,
            own_setting: None,
            framework,
            app: AppFacts::default(),
            scan_dirs: String::new(),
        };
        write_files(layer.path(), &record, Vec::new()).unwrap();
        Self { layer, store, record }
    }

    /// With something else in what the build has recorded.
    pub(crate) fn recorded(self, change: impl FnOnce(&mut LaunchRecord)) -> Self {
        let mut record = self.record.clone();
        change(&mut record);
        write_files(self.layer.path(), &record, Vec::new()).unwrap();
        self
    }

    /// The service as Cloud Foundry gives it.
    pub(crate) fn vcap(&self, label: &str, credentials: &Value) -> Result<Variables, String> {
        self.vcap_with(label, credentials, &[])
    }

    /// The same, for PHP's own handler, whatever it cannot do.
    pub(crate) fn direct(&self, credentials: &Value) -> Result<Variables, String> {
        self.vcap_with("x", credentials, &[("BPL_PHP_SESSION_PROXY", "off")])
    }

    pub(crate) fn vcap_with(
        &self,
        label: &str,
        credentials: &Value,
        settings: &[(&str, &str)],
    ) -> Result<Variables, String> {
        let services = self.services(label, credentials);
        self.launch(&[&[("VCAP_SERVICES", services.as_str())], settings].concat())
    }

    /// The service as a binding, a file for each entry.
    pub(crate) fn binding(&self, files: &[(&str, &str)]) -> Result<Variables, String> {
        self.binding_of(files.iter().map(|(name, text)| (*name, text.as_bytes())))
    }

    /// A binding of a server with TLS, and one more file.
    pub(crate) fn binding_with(&self, name: &str, bytes: &[u8]) -> Result<Variables, String> {
        self.binding_of([("host", &b"h"[..]), ("tls", b"true"), (name, bytes)].into_iter())
    }

    fn binding_of<'a>(
        &self,
        files: impl Iterator<Item = (&'a str, &'a [u8])>,
    ) -> Result<Variables, String> {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("cache");
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("type"), self.store.binding_type()).unwrap();
        for (name, bytes) in files {
            fs::write(folder.join(name), bytes).unwrap();
        }
        self.launch(&[("SERVICE_BINDING_ROOT", root.path().to_str().unwrap())])
    }

    /// The save path, with the parts masked that every row has, or that are different each time.
    pub(crate) fn masked(&self, variables: &Variables) -> String {
        let path = &variables[Variable::SavePath.name()];
        let waits = "persistent=0&timeout=2&read_timeout=3";
        let cluster_waits = "persistent=1&timeout=2&read_timeout=2";
        // For the `files` handler of an app that chooses it.
        let path = path.strip_suffix("&files=;600;/tmp").unwrap_or(path);
        let mut path = path.replace(waits, "…").replace(cluster_waits, "…");
        // Files have names that nobody can foresee, in the folder that TMPDIR names.
        let file = self.layer.path().join("php-session-store-").display().to_string();
        let file = file.replace('/', "%2F");
        while let Some((before, after)) = path.split_once(&file) {
            path = format!("{before}*{}", &after[after.find(".pem").unwrap()..]);
        }
        path
    }

    pub(crate) fn launch(&self, environment: &[(&str, &str)]) -> Result<Variables, String> {
        let launch = self.prepare(environment).map_err(|error| error.to_string())?;
        Ok(launch.variables.into_iter().map(|(variable, value)| (variable.name(), value)).collect())
    }

    /// All that a launch says with a service as Cloud Foundry gives it: its lines in the log, or why it stops.
    pub(crate) fn said(&self, label: &str, credentials: &Value) -> String {
        let services = self.services(label, credentials);
        match self.prepare(&[("VCAP_SERVICES", &services)]) {
            Ok(launch) => launch.messages.join("\n"),
            Err(error) => error.to_string(),
        }
    }

    /// All that a launch with these variables says.
    pub(crate) fn said_with(&self, environment: &[(&str, &str)]) -> String {
        match self.prepare(environment) {
            Ok(launch) => launch.messages.join("\n"),
            Err(error) => format!("{error:#}"),
        }
    }

    /// As [`Self::said`], with a server that is there to be asked.
    pub(crate) fn said_when_asked(&self, credentials: &Value) -> String {
        self.asked(credentials, "off").1
    }

    /// With a server that is there to be asked, and a setting of the session proxy: the save path, if there is one, and all
    /// that the launch says.
    pub(crate) fn asked(&self, credentials: &Value, proxy: &str) -> (Option<String>, String) {
        let services = self.services("x", credentials);
        let asking = ("BPL_PHP_SESSION_PROBE", "stop");
        let settings =
            [("VCAP_SERVICES", services.as_str()), asking, ("BPL_PHP_SESSION_PROXY", proxy)];
        match self.prepare(&settings) {
            Ok(Launch { variables, messages, .. }) => {
                let path = variables.into_iter().find(|(it, _)| *it == Variable::SavePath);
                (path.map(|(_, path)| path), messages.join("\n"))
            }
            Err(error) => (None, error.to_string()),
        }
    }

    fn services(&self, label: &str, credentials: &Value) -> String {
        let name = format!("my-{}", self.store.default_search_key());
        let service = json!({"label": label, "name": name, "credentials": credentials});
        json!({ label: [service] }).to_string()
    }

    fn prepare(&self, environment: &[(&str, &str)]) -> anyhow::Result<Launch> {
        let tmp = self.layer.path().to_str().unwrap();
        // Another setting of the test's own wins.
        let environment: Environment = [PROXY_OFF, ("TMPDIR", tmp), PROBE_OFF]
            .into_iter()
            .chain(environment.iter().copied())
            .collect();
        prepare(
            &environment,
            Path::new("/nowhere"),
            self.layer.path(),
            Path::new("/nowhere"),
            &proxy,
        )
    }
}

/// The save path that credentials for Redis lead to, or why they lead nowhere.
pub(crate) fn save_path(credentials: &Value) -> Result<String, String> {
    let harness = Harness::new(Store::Redis, "6.2.0");
    harness.vcap("x", credentials).map(|variables| harness.masked(&variables))
}

/// Why credentials for Redis lead nowhere.
pub(crate) fn error(credentials: &Value) -> String {
    let error = save_path(credentials).unwrap_err();
    assert!(!error.contains("hunter2"), "a secret in:\n{error}");
    error
}

/// Most of these tests are about PHP's own handler.
const PROXY_OFF: (&str, &str) = ("BPL_PHP_SESSION_PROXY", "off");
/// Servers of these tests are names.
pub(crate) const PROBE_OFF: (&str, &str) = ("BPL_PHP_SESSION_PROBE", "off");
pub(crate) const CA: &str = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";
pub(crate) const KEY: &str = "-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----\n";
