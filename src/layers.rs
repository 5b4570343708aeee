//! The two layers of the image: the extension, cached, and the session settings, written anew by each build.

pub mod extension;
mod extension_contents;
mod extension_key;
pub mod preflight;
mod sbom;
pub mod session;
pub mod session_settings;
pub mod verify;
