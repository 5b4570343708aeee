//! The variables that the launch sets for the app's own configuration, besides those for PHP's ini files.

/// One table of all variables and their names.
macro_rules! variables {
    ($($(#[$doc:meta])* $variable:ident = $name:literal;)*) => {
        /// A variable for the app's own configuration.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum AppVariable {
            $($(#[$doc])* $variable,)*
        }

        impl AppVariable {
            /// The variable's name.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variable => $name,)*
                }
            }

            /// The variable's name as libcnb expects it, checked at compile time: checking at run time would link
            /// a regular expression engine, a third of the program's size.
            #[must_use]
            pub(crate) fn key(self) -> libcnb::data::exec_d::ExecDProgramOutputKey {
                match self {
                    $(Self::$variable => libcnb::data::exec_d_program_output_key!($name),)*
                }
            }
        }
    };
}

impl AppVariable {
    /// Whether its value contains the password: such a variable is set only where something reads it.
    #[must_use]
    pub(crate) fn holds_login(self) -> bool {
        matches!(self, Self::StoreUrl | Self::StorePassword)
    }
}

variables! {
    /// The session service with its login, as a single uri.
    StoreUrl = "PHP_SESSION_STORE_URL";
    /// Its host.
    StoreHost = "PHP_SESSION_STORE_HOST";
    /// Its port.
    StorePort = "PHP_SESSION_STORE_PORT";
    /// Its servers, if there may be several: `host:port,host:port`.
    StoreServers = "PHP_SESSION_STORE_SERVERS";
    /// The path of its socket.
    StoreSocket = "PHP_SESSION_STORE_SOCKET";
    /// The user.
    StoreUsername = "PHP_SESSION_STORE_USERNAME";
    /// The password.
    StorePassword = "PHP_SESSION_STORE_PASSWORD";
    /// The database.
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
    /// Laravel's: its port.
    MemcachedPort = "MEMCACHED_PORT";
    /// Laravel's: its user.
    MemcachedUsername = "MEMCACHED_USERNAME";
    /// Laravel's: its password.
    MemcachedPassword = "MEMCACHED_PASSWORD";
}

/// Variables with their values.
pub(crate) type AppVariables = Vec<(AppVariable, String)>;

/// The value of a variable in a list.
pub(super) fn value_of(variables: &[(AppVariable, String)], name: &str) -> Option<String> {
    variables.iter().find(|(it, _)| it.name() == name).map(|(_, value)| value.clone())
}
