//! The layers that the buildpack contributes.

pub mod session;
