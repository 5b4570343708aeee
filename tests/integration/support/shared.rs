//! Images that tests share: whatever several tests build from the same input is built once in a run.

use super::app::{App, build_and_keep};
use super::docker::unique_name;
use super::input::{BuildInput, Key};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock};

/// One place for each input: whoever comes first builds, and who comes meanwhile waits for it.
static APPS: Mutex<BTreeMap<Key, Arc<OnceLock<App>>>> = Mutex::new(BTreeMap::new());

/// The app of an input. Its image stays until this process ends.
pub(crate) fn app(input: &BuildInput) -> App {
    let key = input.key();
    let place = Arc::clone(APPS.lock().expect("nothing panics with it").entry(key).or_default());
    place.get_or_init(|| built(input)).clone()
}

fn built(input: &BuildInput) -> App {
    let mut app = None;
    // libcnb-test removes its own name of the image.
    build_and_keep(input, |_, built| app = Some(built.tagged(unique_name("shared"))));
    app.expect("libcnb-test runs it once")
}
