//! Directives: what PHP must be told so that it keeps its sessions at an endpoint.
//!
//! Two halves that fit each other: the drop-in, written at build, refers to variables, and the
//! variables, set at launch, hold what comes from the credentials.

pub mod memcached;
pub mod redis;

use crate::endpoint::Endpoint;
use crate::store::Store;
use crate::version::Version;
use std::fmt::Write;

/// Holds `session.save_path` at launch.
pub const SAVE_PATH: &str = "PHP_SESSION_SAVE_PATH";

/// An ini file of the session layer. All but the first are read only where the launch says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DropIn {
    /// What holds for every launch.
    Base,
    /// The user and the password, where they are not in the save path.
    Login,
    /// Back to local files.
    Files,
}

/// What the launch sets, so that PHP keeps its sessions at an endpoint.
#[derive(Debug, PartialEq, Eq)]
pub struct Connection {
    /// Variables that the drop-ins refer to.
    pub variables: Vec<(&'static str, String)>,
    /// Drop-ins that PHP shall read besides the base.
    pub drop_ins: Vec<DropIn>,
}

/// Something that the endpoint needs and the extension is too old for.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "The service needs {what}, and the PHP extension {extension} {version} cannot do that: it takes {since} or later.\nUse a newer extension, or a service without it."
)]
pub struct DirectiveError {
    /// What the endpoint needs.
    pub what: &'static str,
    /// The extension's name.
    pub extension: &'static str,
    /// The extension's version.
    pub version: Version,
    /// The first version that can.
    pub since: &'static str,
}

/// One PHP setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directive {
    /// PHP's name of it.
    pub name: &'static str,
    /// Its value.
    pub value: Value,
}

/// A setting's value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// This text: letters, digits and `-_./` only, so that it means the same in any ini file.
    Literal(String),
    /// What this variable holds when PHP starts. PHP takes it verbatim, whatever it holds.
    Variable(&'static str),
}

impl Directive {
    /// A setting with a fixed value.
    #[must_use]
    pub fn literal(name: &'static str, value: impl Into<String>) -> Self {
        Self { name, value: Value::Literal(value.into()) }
    }

    /// A setting whose value a variable holds.
    #[must_use]
    pub fn variable(name: &'static str, variable: &'static str) -> Self {
        Self { name, value: Value::Variable(variable) }
    }
}

impl DropIn {
    /// The folder in the session layer that holds this drop-in and nothing else.
    #[must_use]
    pub fn folder(self) -> &'static str {
        match self {
            Self::Base => "conf.d",
            Self::Login => "login.d",
            Self::Files => "files.d",
        }
    }
}

/// The drop-ins of a store, for this version of its extension.
#[must_use]
pub fn drop_ins(store: Store, version: &Version) -> Vec<(DropIn, Vec<Directive>)> {
    let mut drop_ins = match store {
        Store::Redis => vec![(DropIn::Base, redis::base())],
        Store::Memcached => vec![
            (DropIn::Base, memcached::base(version)),
            (DropIn::Login, memcached::login(version)),
        ],
    };
    let files = [("session.save_handler", "files"), ("session.save_path", "")];
    drop_ins
        .push((DropIn::Files, files.map(|(name, value)| Directive::literal(name, value)).to_vec()));
    drop_ins
}

/// What PHP needs to connect to the endpoint with this version of the extension.
///
/// # Errors
///
/// Fails if the endpoint needs what this version cannot do.
pub fn connect(endpoint: &Endpoint, version: &Version) -> Result<Connection, DirectiveError> {
    match endpoint {
        Endpoint::Redis(endpoint) => redis::connect(endpoint, version),
        Endpoint::Memcached(endpoint) => Ok(memcached::connect(endpoint, version)),
    }
}

/// The text of an ini file with these directives.
#[must_use]
pub fn render(directives: &[Directive]) -> String {
    let mut ini = String::from(
        "; Written by the php-session-store buildpack. Its exec.d program sets the variables at launch.\n",
    );
    for Directive { name, value } in directives {
        // Writing to a String cannot fail.
        let _ = match value {
            Value::Literal(text) => writeln!(ini, "{name} = \"{text}\""),
            Value::Variable(variable) => writeln!(ini, "{name} = \"${{{variable}}}\""),
        };
    }
    ini
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ini_file_quotes_texts_and_refers_to_variables() {
        let ini = render(&[
            Directive::literal("session.save_handler", "redis"),
            Directive::variable("session.save_path", SAVE_PATH),
        ]);
        let lines: Vec<&str> = ini.lines().skip(1).collect();
        assert_eq!(
            lines,
            [
                "session.save_handler = \"redis\"",
                "session.save_path = \"${PHP_SESSION_SAVE_PATH}\""
            ]
        );
    }
}
