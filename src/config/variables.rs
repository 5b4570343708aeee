//! The names of all variables that a user sets.

/// Chooses the store.
pub(crate) const STORE: &str = "BP_PHP_SESSION_STORE";

/// Names the session cookie.
pub(crate) const SESSION_NAME: &str = "BP_PHP_SESSION_NAME";

/// Chooses who provides the extension.
pub(crate) const EXTENSION: &str = "BP_PHP_SESSION_EXTENSION";

/// The age in days at which the distribution's packages are fetched again.
pub(crate) const EXTENSION_MAX_AGE: &str = "BP_PHP_SESSION_EXTENSION_MAX_AGE";

/// Whether pages may show PHP's warnings.
pub(crate) const DISPLAY_ERRORS: &str = "BP_PHP_SESSION_DISPLAY_ERRORS";

/// Embeds the build's credentials in the image.
pub(crate) const EMBED_CREDENTIALS: &str = "BP_PHP_SESSION_EMBED_CREDENTIALS";

/// Whether the build sets up the app's framework.
pub(crate) const FRAMEWORK: &str = "BP_PHP_SESSION_FRAMEWORK";

/// Names a mirror for source releases.
pub(crate) const MIRROR: &str = "BP_DEPENDENCY_MIRROR";

/// Asks for details in the log. Other buildpacks have the same switch.
pub(crate) const LOG_LEVEL: &str = "BP_LOG_LEVEL";

/// Names the folder of the app's pages, as in Paketo's buildpacks.
pub(crate) const WEB_DIR: &str = "BP_PHP_WEB_DIR";

/// What happens without a session service at launch.
pub(crate) const MISSING: &str = "BPL_PHP_SESSION_MISSING";

/// What the launch does about a server that would keep no session.
pub const PROBE: &str = "BPL_PHP_SESSION_PROBE";

/// Whether the launch logs where sessions are kept.
pub(crate) const LOG: &str = "BPL_PHP_SESSION_LOG";

/// Which of the platform's variables holds the session service, if there are several.
pub(crate) const SERVICE_VARIABLE: &str = "BPL_PHP_SESSION_SERVICE_VARIABLE";

/// Whether the launch sets the variables of the app's framework.
pub(crate) const LAUNCH_FRAMEWORK: &str = "BPL_PHP_SESSION_FRAMEWORK";

/// Whether the app gets the variables with the password, although nothing was found that reads them.
pub(crate) const STORE_VARIABLES: &str = "BPL_PHP_SESSION_STORE_VARIABLES";

/// Whether PHP reaches Redis through the session proxy.
pub const PROXY: &str = "BPL_PHP_SESSION_PROXY";

/// The most connections that the session proxy opens to Redis.
pub(crate) const PROXY_CONNECTIONS: &str = "BPL_PHP_SESSION_PROXY_CONNECTIONS";

/// The folder that the app's container shares with a session proxy in a sidecar.
pub(crate) const PROXY_FOLDER: &str = "BPL_PHP_SESSION_PROXY_FOLDER";

/// Where the session proxy serves its metrics, `HOST:PORT`.
pub(crate) const METRICS: &str = "BPL_PHP_SESSION_METRICS";

/// The session options, `timeout=1&prefix=shop:`.
pub const OPTIONS: &str = "BPL_PHP_SESSION_OPTIONS";
