//! What only the build does: it decides, provides the extension, writes the layers, and logs it.

pub mod decision;
pub mod extension;
pub mod log;
mod preflight;
mod sbom;
pub mod session;

pub use preflight::preflight;
