//! The launch: from the services that the container has to the variables that PHP's ini files read, and those for
//! the app's own configuration.

pub(crate) mod app;
pub mod build_record;
pub mod embedded;
pub mod exec_d;
pub mod prepare;
mod probe;
pub(crate) mod resolve;
pub mod route;
mod started_process;
pub(crate) mod tls_files;
mod topology;
mod trusted_cas;
mod workers;
