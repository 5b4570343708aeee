//! A store's PHP extension: who provides it, what PHP must load, and the cached layer that has it.

mod apt;
mod build_tools;
mod download;
mod dpkg;
mod installed;
mod layer;
mod libraries;
mod loading;
pub(super) mod package;
mod progress;
mod provide;
pub(super) mod release;
mod request;
mod reuse;
mod runpath;
mod source;
mod unpacked;

pub(super) use layer::ProvidedExtension;
pub use layer::contribute_extension_layer;
pub use release::Pins;
pub use request::ExtensionRequest;
