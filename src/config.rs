//! Everything that a user or the platform can set.

pub(crate) mod build;
pub mod environment;
pub(crate) mod launch;
mod option_error;
pub mod options;
pub mod platform;
mod setting;
pub mod variables;
