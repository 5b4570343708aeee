//! The layers that the buildpack contributes.

pub mod extension;
pub mod session;
