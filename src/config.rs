//! All that a user or the platform sets.

pub mod build;
pub mod environment;
pub mod launch;
pub mod mirror;
pub mod options;
pub mod platform;
mod setting;
pub mod variables;

pub use setting::SettingError;
