//! What the operating system and the standard library leave to do.

pub mod command;
pub mod constraint;
pub mod digest;
pub mod files;
pub mod log_line;
pub mod sasl;
pub mod secret;
pub mod version;
