//! The ini files of the session layer.

/// An ini file of the session layer. PHP reads all but the first only if the launch says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IniFile {
    /// Directives for every launch.
    Base,
    /// The user and the password, if they are not in the save path.
    Login,
    /// Redis Cluster.
    Cluster,
    /// The CA for all of PHP's TLS, for extensions that cannot be given one of their own.
    Ca,
    /// Sessions in local files.
    Files,
}

impl IniFile {
    /// Every ini file, in the order in which PHP reads them.
    pub(crate) const ALL: [Self; 5] =
        [Self::Base, Self::Login, Self::Cluster, Self::Ca, Self::Files];

    /// The folder in the session layer that holds only this ini file.
    #[must_use]
    pub fn folder(self) -> &'static str {
        match self {
            Self::Base => "conf.d",
            Self::Login => "login.d",
            Self::Cluster => "cluster.d",
            Self::Ca => "ca.d",
            Self::Files => "files.d",
        }
    }
}
