//! What the integration tests stand on.

pub(crate) mod app;
pub(crate) mod docker;
pub(crate) mod oracle;
pub(crate) mod secrets;
pub(crate) mod services;
pub(crate) mod visitor;

/// A Debian release that tests run on, with the versions that it has.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Suite {
    pub(crate) name: &'static str,
    pub(crate) phpredis: &'static str,
}

/// Debian 12.
pub(crate) const BOOKWORM: Suite = Suite { name: "bookworm", phpredis: "5.3.7" };

impl Suite {
    /// The image of a variant in `images/Dockerfile`.
    pub(crate) fn image(self, variant: &str) -> String {
        format!("php-session-store/{variant}:{}", self.name)
    }

    /// The builder of a variant in `images/Dockerfile`.
    pub(crate) fn builder(self, variant: &str) -> String {
        format!("php-session-store/builder-{variant}:{}", self.name)
    }
}
