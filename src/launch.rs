//! The launch: from the services that the container has to the variables that PHP's ini files read, and those for
//! the app's own configuration.

pub mod app;
mod authorities;
pub mod embedded;
pub mod exec_d;
pub mod prepare;
mod probe;
pub mod record;
pub mod resolve;
mod started;
pub mod tls_files;
mod topology;
pub mod way;
mod workers;
