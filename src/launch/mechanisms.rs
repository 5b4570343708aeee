//! libsasl2's mechanism plugins at launch: whether they are missing, and whether php-fpm must preload them.

use super::build_record::LaunchRecord;
use crate::config::environment::{Environment, EnvironmentError};
use crate::store::Store;
use crate::system::sasl::{PLAIN, SASL_PATH, mechanisms_of_system};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Whether neither the layer nor the system has plugins: every login would fail.
pub(super) fn are_missing(environment: &Environment) -> Result<bool, EnvironmentError> {
    let folders = environment.text(SASL_PATH)?.unwrap_or_default().split(':');
    let found = folders.map(Path::new).any(|folder| folder.join(PLAIN).is_file());
    Ok(!found && mechanisms_of_system().is_none())
}

/// Whether php-fpm must preload the plugins because its workers would not find them: they are only in the layer.
/// PHP refuses to preload as root.
pub(super) fn must_be_preloaded(record: &LaunchRecord) -> bool {
    let root = fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0);
    record.store == Store::Memcached
        && record.may_preload
        && !root
        && mechanisms_of_system().is_none()
}
