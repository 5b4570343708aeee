//! Keeps PHP sessions in a bound Redis or Memcached service.
//!
//! Data flows one way, and the same code reads the services at detect, build and launch:
//! [`services`] → [session service](services::matching) → [`endpoint`] → [`directives`].
//!
//! The two programs are thin: the buildpack (`main.rs`) and the exec.d program
//! (`bin/session_env.rs`).

pub mod app;
pub mod check;
pub mod command;
pub mod digest;
pub mod directives;
pub mod download;
pub mod embedded;
pub mod endpoint;
pub mod environment;
pub mod error;
pub mod extension;
pub mod files;
pub mod forecast;
pub mod intent;
pub mod launch;
pub mod layers;
pub mod options;
pub mod package;
pub mod php;
pub mod platform;
pub mod progress;
pub mod proof;
pub mod sbom;
pub mod secret;
pub mod services;
pub mod settings;
pub mod store;
pub mod tls_files;
pub mod version;
