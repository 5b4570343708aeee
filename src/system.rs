//! Helpers beyond the standard library: programs, files, checksums, secrets, uris, versions.

pub(crate) mod command;
pub(crate) mod constraint;
pub(crate) mod digest;
pub(crate) mod files;
pub(crate) mod log_line;
pub(crate) mod masked;
pub(crate) mod secret;
pub(crate) mod spelling;
pub(crate) mod uri;
pub(crate) mod version;
