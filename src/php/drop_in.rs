//! The ini files of the session layer.

/// An ini file of the session layer. All but the first are read only where the launch says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DropIn {
    /// What holds for every launch.
    Base,
    /// The user and the password, where they are not in the save path.
    Login,
    /// A script that loads libsasl2's mechanisms into php-fpm's master.
    Preload,
    /// Redis as a cluster.
    Cluster,
    /// The authority that PHP's TLS trusts, for extensions that cannot be told by themselves.
    Authority,
    /// Back to local files.
    Files,
}

impl DropIn {
    /// Every ini file, in the order in which PHP reads them where a launch wants several.
    pub(crate) const ALL: [Self; 6] =
        [Self::Base, Self::Login, Self::Preload, Self::Cluster, Self::Authority, Self::Files];

    /// The folder in the session layer that holds this drop-in and nothing else.
    #[must_use]
    pub fn folder(self) -> &'static str {
        match self {
            Self::Base => "conf.d",
            Self::Login => "login.d",
            Self::Preload => "preload.d",
            Self::Cluster => "cluster.d",
            Self::Authority => "authority.d",
            Self::Files => "files.d",
        }
    }
}
