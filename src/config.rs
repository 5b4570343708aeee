//! Everything that a user or the platform can set.

pub(crate) mod build;
pub mod environment;
pub(crate) mod launch;
pub mod options;
pub mod platform;
mod setting;
pub mod variables;
