//! What the operating system and the standard library leave to do.

pub(crate) mod command;
pub(crate) mod constraint;
pub(crate) mod digest;
pub(crate) mod files;
pub(crate) mod log_line;
pub(crate) mod sasl;
pub(crate) mod secret;
pub(crate) mod version;
