//! PHP itself: what is installed, and the ini files that tell it where sessions are kept.

pub mod connect;
pub mod drop_in;
pub mod foreign_ini;
pub(crate) mod fpm;
pub mod ini;
pub mod installation;
pub mod memcached;
pub mod redis;
pub mod redis_commands;
mod scan_dirs;
pub mod script;
pub mod tls;
pub mod variable;

pub use foreign_ini::session_inis_of_other_layers;
pub use installation::{Php, Program};
pub use scan_dirs::PHP_INI_SCAN_DIR;
pub use script::PhpError;
