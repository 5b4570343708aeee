//! The image's two layers: the extension (cached) and the session settings (rewritten by each build).

pub(crate) mod extension;
mod extension_contents;
mod extension_key;
mod extension_reuse;
pub mod preflight;
mod sbom;
pub mod session;
pub(crate) mod session_settings;
pub mod verify;

pub use extension::contribute_extension_layer;
pub use preflight::preflight;
pub use session::contribute_session_layer;
pub use session_settings::SessionSettings;
pub use verify::verify;
