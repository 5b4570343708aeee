//! The settings of a launch, `BPL_*`.

use super::environment::Environment;
use super::setting::{SettingError, one_of};
use super::variables::MISSING;

/// What happens at launch where no session service is bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Missing {
    /// The container does not start.
    Fail,
    /// PHP keeps its sessions in local files.
    Files,
}

/// The settings at launch.
#[derive(Debug, PartialEq, Eq)]
pub struct LaunchSettings {
    /// What happens without a session service.
    pub missing: Missing,
}

impl LaunchSettings {
    /// Reads the settings of the launch.
    ///
    /// # Errors
    ///
    /// Fails if one has a value that it cannot have.
    pub fn read(environment: &Environment) -> Result<Self, SettingError> {
        let missing = [("fail", Missing::Fail), ("files", Missing::Files)];
        Ok(Self { missing: one_of(environment, MISSING, &missing)?.unwrap_or(Missing::Fail) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_service_stops_the_start_by_default() {
        let settings = LaunchSettings::read(&Environment::default()).unwrap();
        assert_eq!(settings.missing, Missing::Fail);
    }

    #[test]
    fn a_wrong_value_lists_the_right_ones() {
        let environment = [(MISSING, "ignore")].into_iter().collect();
        let message = LaunchSettings::read(&environment).unwrap_err().to_string();
        assert!(message.contains("fail, files"), "{message}");
    }
}
