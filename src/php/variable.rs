//! The variables by which the launch tells PHP where sessions are kept.

use super::scan_dirs::PHP_INI_SCAN_DIR;

/// A variable that the launch sets, and PHP or a drop-in reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Variable {
    /// `session.save_path`.
    SavePath,
    /// The user, where it is not in the save path.
    Username,
    /// The password, where it is not in the save path.
    Password,
    /// Whether Memcached is spoken to in its binary protocol.
    BinaryProtocol,
    /// Whether connections are kept.
    Persistent,
    /// How long a connection may take to come about, in milliseconds.
    ConnectTimeout,
    /// What the keys begin with.
    Prefix,
    /// Whether a request has its session for itself.
    Locking,
    /// How long the first try for the lock waits for the next one.
    LockWaitMin,
    /// How long the last try for the lock waits for the next one.
    LockWaitMax,
    /// How often the lock is tried for again.
    LockRetries,
    /// After how many seconds a lock falls away.
    LockExpire,
    /// The file with the authorities that PHP's TLS trusts.
    AuthorityFile,
    /// PHP's own: the folders of ini files.
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
        Self::AuthorityFile,
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
            Self::AuthorityFile => "PHP_SESSION_AUTHORITY_FILE",
            Self::IniScanDir => PHP_INI_SCAN_DIR,
        }
    }
}
