//! PHP itself: what is installed, and the ini files that tell it where to keep sessions.

pub mod directives;
pub(crate) mod foreign_ini;
pub(crate) mod fpm;
pub(crate) mod ini;
pub mod ini_file;
pub(crate) mod installation;
pub(crate) mod memcached_directives;
pub mod redis_commands;
pub(crate) mod redis_directives;
pub(crate) mod scan_dirs;
pub(crate) mod script;
mod siblings;
pub mod tls;

pub use foreign_ini::session_inis_of_other_layers;
pub use installation::{Php, Program};
pub use scan_dirs::PHP_INI_SCAN_DIR;
