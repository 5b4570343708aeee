//! The names of all variables that a user sets.

/// The variable that chooses the store.
pub(crate) const STORE: &str = "BP_PHP_SESSION_STORE";

/// The variable that names the session cookie.
pub(crate) const SESSION_NAME: &str = "BP_PHP_SESSION_NAME";

/// The variable that chooses who provides the extension.
pub(crate) const EXTENSION: &str = "BP_PHP_SESSION_EXTENSION";

/// The variable that says after how many days the distribution's packages are fetched again.
pub(crate) const EXTENSION_MAX_AGE: &str = "BP_PHP_SESSION_EXTENSION_MAX_AGE";

/// The variable that says whether a page may show PHP's warnings.
pub(crate) const DISPLAY_ERRORS: &str = "BP_PHP_SESSION_DISPLAY_ERRORS";

/// The variable that lets the build's credentials into the image.
pub(crate) const EMBED_CREDENTIALS: &str = "BP_PHP_SESSION_EMBED_CREDENTIALS";

/// The variable that says whether the app's framework is looked at.
pub(crate) const FRAMEWORK: &str = "BP_PHP_SESSION_FRAMEWORK";

/// The variable that names a mirror of the source releases.
pub(crate) const MIRROR: &str = "BP_DEPENDENCY_MIRROR";

/// Asks for details in the log. Other buildpacks have the same switch.
pub(crate) const LOG_LEVEL: &str = "BP_LOG_LEVEL";

/// The variable of Paketo's buildpacks that names the folder of the app's pages.
pub(crate) const WEB_DIR: &str = "BP_PHP_WEB_DIR";

/// The variable that says what happens without a session service at launch.
pub(crate) const MISSING: &str = "BPL_PHP_SESSION_MISSING";

/// The variable that says what a launch makes of a server that would keep no session.
pub const PROBE: &str = "BPL_PHP_SESSION_PROBE";

/// The variable that says whether a launch tells where sessions are kept.
pub(crate) const LOG: &str = "BPL_PHP_SESSION_LOG";

/// The variable that names the platform's variable with the session service, where there are several.
pub(crate) const SERVICE_VARIABLE: &str = "BPL_PHP_SESSION_SERVICE_VARIABLE";

/// The variable that says whether the app's framework is told where sessions are.
pub(crate) const LAUNCH_FRAMEWORK: &str = "BPL_PHP_SESSION_FRAMEWORK";

/// The variable that says whether a proxy stands between PHP and Redis.
pub const PROXY: &str = "BPL_PHP_SESSION_PROXY";

/// The variable with the greatest number of the proxy's connections to the service.
pub(crate) const PROXY_CONNECTIONS: &str = "BPL_PHP_SESSION_PROXY_CONNECTIONS";

/// The variable that names the folder that the app's container shares with a session proxy of its own.
pub(crate) const PROXY_FOLDER: &str = "BPL_PHP_SESSION_PROXY_FOLDER";

/// The variable that says where the session proxy serves its metrics, `HOST:PORT`.
pub(crate) const METRICS: &str = "BPL_PHP_SESSION_METRICS";

/// The variable with the options, `timeout=1&prefix=shop:`.
pub const OPTIONS: &str = "BPL_PHP_SESSION_OPTIONS";
