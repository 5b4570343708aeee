//! The settings of a launch, `BPL_*`.

use super::environment::Environment;
use super::setting::{no_such_value, one_of};
use super::variables::{
    LAUNCH_FRAMEWORK, LOG, METRICS, MISSING, PROBE, PROXY, PROXY_CONNECTIONS, PROXY_FOLDER,
    STORE_VARIABLES,
};
use std::path::PathBuf;

/// What happens at launch without a usable session service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Missing {
    /// The container does not start.
    Fail,
    /// It starts with a warning, and sessions fail: for tasks that need none, and for debugging.
    Warn,
    /// If no service is bound, PHP keeps its sessions in local files.
    Files,
}

/// Whether the launch asks the server if it would keep a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ProbeSetting {
    /// Ask; if it never would, the container does not start.
    Stop,
    /// Ask; if it would not, warn in the log.
    Warn,
    Off,
}

/// Whether PHP reaches Redis through the session proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Proxy {
    /// If PHP's own handler cannot, or would be slow: a TLS handshake in each request, or a server that is far away.
    Auto,
    On,
    Off,
}

/// Small plans allow 20, for all instances together.
const CONNECTIONS: usize = 8;
const MOST_CONNECTIONS: usize = 1000;

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct LaunchSettings {
    pub(crate) missing: Missing,
    pub(crate) probe: ProbeSetting,
    /// Whether the launch logs where sessions are kept; warnings are logged in any case.
    pub(crate) log: bool,
    pub(crate) framework: bool,
    /// Whether to set the variables with the password, even if nothing reads them as far as the build saw.
    pub(crate) store_variables: bool,
    pub(crate) proxy: Proxy,
    /// The most connections that the proxy opens to Redis.
    pub(crate) proxy_connections: usize,
    /// The folder shared with a proxy that the platform runs as a sidecar.
    pub(crate) proxy_folder: Option<PathBuf>,
    /// Where the proxy serves its metrics, `HOST:PORT`.
    pub(crate) metrics: Option<String>,
}

impl LaunchSettings {
    pub(crate) fn read(env: &Environment) -> anyhow::Result<Self> {
        let missing = [("fail", Missing::Fail), ("warn", Missing::Warn), ("files", Missing::Files)];
        let probe = [
            ("stop", ProbeSetting::Stop),
            ("warn", ProbeSetting::Warn),
            ("off", ProbeSetting::Off),
        ];
        let proxy = [("auto", Proxy::Auto), ("on", Proxy::On), ("off", Proxy::Off)];
        let proxy_folder = folder(env)?;
        // A shared folder implies the proxy.
        let implied = proxy_folder.is_some() && env.text(PROXY)?.is_none();
        Ok(Self {
            missing: one_of(env, MISSING, &missing)?,
            probe: one_of(env, PROBE, &probe)?,
            log: one_of(env, LOG, &[("on", true), ("off", false)])?,
            framework: one_of(env, LAUNCH_FRAMEWORK, &[("auto", true), ("off", false)])?,
            store_variables: one_of(env, STORE_VARIABLES, &[("auto", false), ("on", true)])?,
            proxy: if implied { Proxy::On } else { one_of(env, PROXY, &proxy)? },
            proxy_connections: connections(env)?,
            proxy_folder,
            metrics: metrics(env)?,
        })
    }
}

fn connections(env: &Environment) -> anyhow::Result<usize> {
    let Some(text) = env.text(PROXY_CONNECTIONS)?.map(str::trim) else {
        return Ok(CONNECTIONS);
    };
    let number = text.parse().ok().filter(|number| (1..=MOST_CONNECTIONS).contains(number));
    let allowed = format!("1 to {MOST_CONNECTIONS}");
    number.ok_or_else(|| no_such_value(PROXY_CONNECTIONS, text, &allowed))
}

fn folder(env: &Environment) -> anyhow::Result<Option<PathBuf>> {
    let Some(text) = env.text(PROXY_FOLDER)? else { return Ok(None) };
    let folder = PathBuf::from(text);
    if folder.is_absolute() {
        return Ok(Some(folder));
    }
    Err(no_such_value(PROXY_FOLDER, text, "the absolute path of a folder"))
}

fn metrics(env: &Environment) -> anyhow::Result<Option<String>> {
    let Some(text) = env.text(METRICS)?.map(str::trim) else { return Ok(None) };
    let parts = text.rsplit_once(':');
    let is_host = |host: &str| !host.is_empty() && !host.contains(['/', '@']);
    if parts.is_some_and(|(host, port)| is_host(host) && port.parse::<u16>().is_ok()) {
        return Ok(Some(text.to_owned()));
    }
    Err(no_such_value(METRICS, text, "HOST:PORT, such as 0.0.0.0:9464 or [::]:9464"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_service_stops_the_start_by_default() {
        let settings = LaunchSettings::read(&Environment::default()).unwrap();
        assert_eq!(settings.missing, Missing::Fail);
    }

    #[test]
    fn the_proxy_has_a_number_of_connections() {
        for (text, expected) in
            [("", Some(8)), ("1", Some(1)), ("0", None), ("x", None), ("-1", None), ("1001", None)]
        {
            let environment = [(PROXY_CONNECTIONS, text)].into_iter().collect();
            let settings = LaunchSettings::read(&environment);
            assert_eq!(settings.ok().map(|it| it.proxy_connections), expected, "{text}");
        }
    }

    #[test]
    fn a_shared_folder_turns_the_proxy_on_where_nothing_else_is_said() {
        let read = |variables: &[(&str, &str)]| {
            LaunchSettings::read(&variables.iter().copied().collect()).map(|it| it.proxy)
        };
        assert_eq!(read(&[(PROXY_FOLDER, "/proxy")]).unwrap(), Proxy::On);
        assert_eq!(read(&[(PROXY_FOLDER, "/proxy"), (PROXY, "off")]).unwrap(), Proxy::Off);
        assert_eq!(read(&[]).unwrap(), Proxy::Auto);
        assert!(read(&[(PROXY_FOLDER, "proxy")]).is_err());
    }

    #[test]
    fn metrics_are_served_at_a_host_and_a_port() {
        for (text, good) in [
            ("0.0.0.0:9464", true),
            ("[::]:9464", true),
            ("localhost:0", true),
            ("9464", false),
            (":9464", false),
            ("h:99999", false),
            ("http://h:9464", false),
        ] {
            let environment = [(METRICS, text)].into_iter().collect();
            let metrics = LaunchSettings::read(&environment).map(|it| it.metrics);
            assert_eq!(metrics.ok(), good.then(|| Some(text.to_owned())), "{text}");
        }
    }

    #[test]
    fn a_wrong_value_lists_the_right_ones() {
        let environment = [(MISSING, "ignore")].into_iter().collect();
        let message = LaunchSettings::read(&environment).unwrap_err().to_string();
        assert!(message.contains("fail, warn, files"), "{message}");
    }
}
