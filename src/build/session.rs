//! The session layer: what it has to say, its files, and the proof that PHP uses them.

mod layer;
mod settings;
mod verify;

pub use layer::{contribute_session_layer, write_files};
pub use settings::SessionSettings;
pub use verify::verify;
