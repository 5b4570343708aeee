//! The variables that tell PHP at launch where to keep sessions.

use super::scan_dirs::PHP_INI_SCAN_DIR;

/// A variable that the launch sets, and PHP or an ini file reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Variable {
    /// `session.save_path`.
    SavePath,
    /// The user, if it is not in the save path.
    Username,
    /// The password, if it is not in the save path.
    Password,
    /// Whether to use Memcached's binary protocol.
    BinaryProtocol,
    /// Whether connections are persistent.
    Persistent,
    /// How long connecting may take, in milliseconds.
    ConnectTimeout,
    /// The prefix of session keys.
    Prefix,
    /// Whether requests lock their sessions.
    Locking,
    /// The wait after the first try for the lock.
    LockWaitMin,
    /// The longest wait between tries for the lock.
    LockWaitMax,
    /// How often to try again for the lock.
    LockRetries,
    /// After how many seconds a lock expires.
    LockExpire,
    /// The file with the CAs that PHP's TLS trusts.
    CaFile,
    /// PHP's own variable: the folders of ini files.
    IniScanDir,
}

/// The variables without their values, which may be secrets.
pub(crate) fn names(variables: &[(Variable, String)]) -> Vec<Variable> {
    variables.iter().map(|(variable, _)| *variable).collect()
}

impl Variable {
    /// Every variable.
    pub(crate) const ALL: [Self; 14] = [
        Self::SavePath,
        Self::Username,
        Self::Password,
        Self::BinaryProtocol,
        Self::Persistent,
        Self::ConnectTimeout,
        Self::Prefix,
        Self::Locking,
        Self::LockWaitMin,
        Self::LockWaitMax,
        Self::LockRetries,
        Self::LockExpire,
        Self::CaFile,
        Self::IniScanDir,
    ];

    /// The variable's name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::SavePath => "PHP_SESSION_SAVE_PATH",
            Self::Username => "PHP_SESSION_USERNAME",
            Self::Password => "PHP_SESSION_PASSWORD",
            Self::BinaryProtocol => "PHP_SESSION_BINARY_PROTOCOL",
            Self::Persistent => "PHP_SESSION_PERSISTENT",
            Self::ConnectTimeout => "PHP_SESSION_CONNECT_TIMEOUT",
            Self::Prefix => "PHP_SESSION_PREFIX",
            Self::Locking => "PHP_SESSION_LOCKING",
            Self::LockWaitMin => "PHP_SESSION_LOCK_WAIT_MIN",
            Self::LockWaitMax => "PHP_SESSION_LOCK_WAIT_MAX",
            Self::LockRetries => "PHP_SESSION_LOCK_RETRIES",
            Self::LockExpire => "PHP_SESSION_LOCK_EXPIRE",
            Self::CaFile => "PHP_SESSION_CA_FILE",
            Self::IniScanDir => PHP_INI_SCAN_DIR,
        }
    }
}
