//! The layers that the buildpack contributes.

pub mod extension;
mod extension_key;
pub mod session;
