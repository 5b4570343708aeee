//! The launch: turns the services bound to the container into variables, for PHP's ini files and for the app's own
//! configuration.

pub(crate) mod app;
pub mod build_record;
pub(crate) mod choice;
pub mod embedded;
pub mod exec_d;
mod first_route;
mod fpm_pools;
mod log;
mod nested;
pub mod prepare;
pub(crate) mod probe;
pub(crate) mod resolve;
pub mod route;
pub(crate) mod socket_folder;
mod started_process;
pub(crate) mod tls_files;
pub(crate) mod topology;
mod trusted_cas;
