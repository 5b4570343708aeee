//! A launcher inside a launcher, such as `docker exec … launcher bash`: the outer launch has already set the variables
//! and logged them.

use super::route::Route;
use crate::config::environment::{Environment, EnvironmentError};
use crate::php::directives::socket_of;
use crate::variable::Variable;

/// The route that an outer launch has set up; `None` if there is no outer launch.
pub(super) fn outer_route(environment: &Environment) -> Result<Option<Route>, EnvironmentError> {
    let save_path = environment.text(Variable::SavePath.name())?;
    let through_proxy = save_path.map(|path| socket_of(path).is_some());
    Ok(through_proxy.map(|it| if it { Route::Proxy } else { Route::Direct }))
}

/// Whether an outer launch has set all of these variables. Keeps its number of tries for a lock: only that launch has
/// measured the server's round trip.
pub(super) fn is_set_already(
    environment: &Environment,
    variables: &mut [(Variable, String)],
) -> Result<bool, EnvironmentError> {
    let mut is_set = true;
    for (variable, value) in variables {
        let before = environment.text(variable.name())?.unwrap_or_default();
        is_set &= match variable {
            Variable::IniScanDir => {
                value.split(':').all(|folder| before.split(':').any(|there| there == folder))
            }
            Variable::SavePath => parts(before).eq(parts(value)),
            // The outer launch may have started a web server.
            Variable::Persistent => !before.is_empty(),
            Variable::LockRetries if !before.is_empty() => {
                before.clone_into(value);
                true
            }
            _ => before == value,
        };
    }
    Ok(is_set)
}

/// The parts of a save path, whether PHP keeps its connection or not.
fn parts(save_path: &str) -> impl Iterator<Item = &str> {
    save_path.split(['?', '&']).filter(|part| !part.starts_with("persistent"))
}
