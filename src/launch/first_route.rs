//! The route that the app's first launch in a container took, for later commands there. Where the server's distance decides,
//! it may seem another one by then, but the app stays on its route.

use super::route::Route;
use super::socket_folder::Place;
use std::fs::{self, File};
use std::io::Write;
use std::path::PathBuf;

const DIRECT: &str = "direct";
const PROXY: &str = "proxy";

/// The route that the first launch wrote down, if there was one that could.
pub(super) fn read(place: &Place) -> Option<Route> {
    match fs::read_to_string(file(place)).ok()?.as_str() {
        DIRECT => Some(Route::Direct),
        PROXY => Some(Route::Proxy),
        // It is being written.
        _ => None,
    }
}

/// Writes the route down, unless a launch has before.
pub(super) fn write(place: &Place, route: Route) {
    let route = if route == Route::Proxy { PROXY } else { DIRECT };
    // Without the file, a later command chooses by itself.
    let _ = File::create_new(file(place)).and_then(|mut file| file.write_all(route.as_bytes()));
}

/// The folder may outlive the container's processes, so the name says when the first of them began.
fn file(place: &Place) -> PathBuf {
    let stat = fs::read_to_string("/proc/1/stat").unwrap_or_default();
    place.folder().join(format!("route-{}", began(&stat).unwrap_or_default()))
}

/// When a process began, in ticks since the machine did, by
/// [proc_pid_stat](https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html).
fn began(stat: &str) -> Option<&str> {
    // The program's name, the second field, is in parentheses and may contain anything.
    stat.rsplit_once(") ")?.1.split(' ').nth(22 - 3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_route_counts() {
        let tmp = tempfile::tempdir().unwrap();
        let place = Place::make(tmp.path().to_str(), "a").unwrap();
        assert_eq!(read(&place), None);
        fs::write(file(&place), "").unwrap();
        assert_eq!(read(&place), None);
        fs::remove_file(file(&place)).unwrap();
        for route in [Route::Direct, Route::Proxy] {
            write(&place, route);
            assert_eq!(read(&place), Some(Route::Direct), "{route:?}");
        }
        fs::remove_file(file(&place)).unwrap();
        write(&place, Route::Proxy);
        assert_eq!(read(&place), Some(Route::Proxy));
    }

    #[test]
    fn a_start_of_the_container_is_known_by_that_of_its_first_process() {
        let stat = "1 (a ) b) S 0 1 1 0 -1 4194560 9 8 7 6 5 4 3 2 20 0 1 0 4711 2 1";
        assert_eq!(began(stat), Some("4711"));
        assert_eq!(began(""), None);
        assert_ne!(file(&Place("/a".into())), PathBuf::from("/a/route-"));
    }
}
