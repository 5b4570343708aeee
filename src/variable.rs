//! The variables that the launch sets: those for PHP and its ini files, and those for the app's own configuration.

use libcnb::data::exec_d::ExecDProgramOutputKey;
use libcnb::data::exec_d_program_output_key;

/// One table of all variables and their names.
macro_rules! variables {
    ($($(#[$doc:meta])* $variable:ident = $name:literal;)*) => {
        /// A variable that the launch sets.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Variable {
            $($(#[$doc])* $variable,)*
        }

        impl Variable {
            const ALL: &[Self] = &[$(Self::$variable,)*];

            /// Its name in the environment.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variable => $name,)*
                }
            }

            /// The variable's name as libcnb expects it, checked at compile time: checking at run time would link
            /// a regular expression engine, a third of the program's size.
            pub(crate) fn key(self) -> ExecDProgramOutputKey {
                match self {
                    $(Self::$variable => exec_d_program_output_key!($name),)*
                }
            }
        }
    };
}

impl Variable {
    /// Those that PHP or an ini file reads.
    pub(crate) fn of_php() -> impl Iterator<Item = Self> {
        Self::ALL.iter().copied().filter(|it| *it <= Self::IniScanDir)
    }

    /// Whether the app is told the password by it: such a variable is set only where something reads it.
    pub(crate) fn tells_app_the_login(self) -> bool {
        matches!(self, Self::StoreUrl | Self::StorePassword)
    }
}

variables! {
    // For PHP and its ini files.
    /// `session.save_path`.
    SavePath = "PHP_SESSION_SAVE_PATH";
    /// The user, if it is not in the save path.
    Username = "PHP_SESSION_USERNAME";
    /// The password, if it is not in the save path.
    Password = "PHP_SESSION_PASSWORD";
    /// Whether to use Memcached's binary protocol.
    BinaryProtocol = "PHP_SESSION_BINARY_PROTOCOL";
    /// Whether connections are persistent.
    Persistent = "PHP_SESSION_PERSISTENT";
    /// How long connecting may take, in milliseconds.
    ConnectTimeout = "PHP_SESSION_CONNECT_TIMEOUT";
    /// The prefix of session keys.
    Prefix = "PHP_SESSION_PREFIX";
    /// Whether requests lock their sessions.
    Locking = "PHP_SESSION_LOCKING";
    /// The wait after the first try for the lock.
    LockWaitMin = "PHP_SESSION_LOCK_WAIT_MIN";
    /// The longest wait between tries for the lock.
    LockWaitMax = "PHP_SESSION_LOCK_WAIT_MAX";
    /// How often to try again for the lock.
    LockRetries = "PHP_SESSION_LOCK_RETRIES";
    /// After how many seconds a lock expires.
    LockExpire = "PHP_SESSION_LOCK_EXPIRE";
    /// The file with the CAs that PHP's TLS trusts.
    CaFile = "PHP_SESSION_CA_FILE";
    /// PHP's own variable: the folders of ini files.
    IniScanDir = "PHP_INI_SCAN_DIR";
    // For the app's own configuration.
    /// The session service with its login, as a single uri.
    StoreUrl = "PHP_SESSION_STORE_URL";
    StoreHost = "PHP_SESSION_STORE_HOST";
    StorePort = "PHP_SESSION_STORE_PORT";
    /// Its servers, if there may be several: `host:port,host:port`.
    StoreServers = "PHP_SESSION_STORE_SERVERS";
    /// The path of its socket.
    StoreSocket = "PHP_SESSION_STORE_SOCKET";
    StoreUsername = "PHP_SESSION_STORE_USERNAME";
    StorePassword = "PHP_SESSION_STORE_PASSWORD";
    StoreDatabase = "PHP_SESSION_STORE_DATABASE";
    /// `1` if connections use TLS.
    StoreTls = "PHP_SESSION_STORE_TLS";
    /// The file with the CA of the server's certificate.
    StoreCa = "PHP_SESSION_STORE_CA";
    /// Laravel's, and by convention many others': Redis as a single uri.
    RedisUrl = "REDIS_URL";
    /// Laravel's: the database of its `default` connection.
    RedisDb = "REDIS_DB";
    /// Laravel's: where sessions are kept.
    SessionDriver = "SESSION_DRIVER";
    /// CodeIgniter's: where sessions are kept.
    CodeIgniterDriver = "session_driver";
    /// CodeIgniter's: the server, with the login.
    CodeIgniterSavePath = "session_savePath";
    /// Laravel's: the Memcached server.
    MemcachedHost = "MEMCACHED_HOST";
    MemcachedPort = "MEMCACHED_PORT";
    MemcachedUsername = "MEMCACHED_USERNAME";
    MemcachedPassword = "MEMCACHED_PASSWORD";
}

/// Variables with their values.
pub(crate) type Variables = Vec<(Variable, String)>;

/// The variables without their values, which may be secrets.
pub(crate) fn names(variables: &[(Variable, String)]) -> Vec<Variable> {
    variables.iter().map(|(variable, _)| *variable).collect()
}

/// The value of a variable in a list.
pub(crate) fn value_of(variables: &[(Variable, String)], name: &str) -> Option<String> {
    variables.iter().find(|(it, _)| it.name() == name).map(|(_, value)| value.clone())
}
