//! The search for secrets: in an image's layers, configuration and labels, and in logs.

use super::docker::{both, docker_ok, unique_name};
use super::services::IMAGE;
use aho_corasick::packed::Searcher;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use std::collections::BTreeSet;
use std::io::Read;
use std::process::{Command, Stdio};
use std::sync::Once;
use std::sync::atomic::{AtomicU32, Ordering};

/// Part of every password that the tests use, so that one search finds any of them. Letters and
/// digits only: it looks the same in every encoding but base64.
pub(crate) const MARKER: &str = "mArKeR4f1c9e";

/// A password with the marker and characters that break naive config files.
pub(crate) const ODD_PASSWORD: &str = "mArKeR4f1c9ep@ss&w=rd%#?;\"$x ü,'\\${HOME}[]+/";

/// The forms in which a secret could lie somewhere.
fn forms(secret: &str) -> Vec<Vec<u8>> {
    let mut forms = vec![
        secret.as_bytes().to_vec(),
        utf8_percent_encode(secret, NON_ALPHANUMERIC).to_string().into_bytes(),
    ];
    // In base64, three alignments; the characters at the ends depend on the neighbours.
    for skip in 0..3 {
        let shifted = base64(&[&b"\0\0"[..skip], secret.as_bytes()].concat());
        let end = shifted.trim_end_matches('=').len() - 1;
        let start = [0, 2, 3][skip];
        forms.push(shifted.as_bytes()[start..end].to_vec());
    }
    forms
}

fn base64(bytes: &[u8]) -> String {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

/// The needles for secrets, in whatever form, and for texts as they are: one pass finds all of them.
struct Search {
    needles: Searcher,
    /// Which secret or text a needle is for.
    origins: Vec<usize>,
}

impl Search {
    fn of(secrets: &[&str], texts: &[&str]) -> Self {
        let secrets = secrets.iter().map(|secret| forms(secret));
        let all = secrets.chain(texts.iter().map(|text| vec![text.as_bytes().to_vec()]));
        let needles =
            all.enumerate().flat_map(|(index, all)| all.into_iter().map(move |it| (index, it)));
        let (origins, needles): (Vec<usize>, Vec<Vec<u8>>) = needles.unzip();
        Self { needles: Searcher::new(needles).expect("few and short needles"), origins }
    }

    /// The indices of what the bytes hold: secrets first, then texts.
    fn find(&self, bytes: &[u8]) -> BTreeSet<usize> {
        self.needles.find_iter(bytes).map(|found| self.origins[found.pattern()]).collect()
    }

    /// As [`Self::find`], in everything that a docker command prints: an exported image with all layers,
    /// the configuration and the labels; the files of volumes.
    fn find_in_output(&self, arguments: &[&str]) -> BTreeSet<usize> {
        const CHUNK: u64 = 4 * 1024 * 1024;
        const OVERLAP: usize = 4096;
        let mut process = Command::new("docker")
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("docker is there");
        let mut stream = process.stdout.take().expect("a pipe");
        let mut buffer: Vec<u8> = Vec::new();
        let mut found = BTreeSet::new();
        while stream.by_ref().take(CHUNK).read_to_end(&mut buffer).expect("docker's output") > 0 {
            found.extend(self.find(&buffer));
            // A secret may lie across two chunks.
            buffer.drain(..buffer.len().saturating_sub(OVERLAP));
        }
        let output = process.wait_with_output().expect("docker ends");
        assert!(output.status.success(), "docker {}: {}", arguments.join(" "), both(&output));
        found
    }
}

/// Whether a text holds one of some secrets, in whatever form.
pub(crate) fn holds_any(text: &str, secrets: &[&str]) -> bool {
    !Search::of(secrets, &[]).find(text.as_bytes()).is_empty()
}

/// Asserts that a log shows no password.
pub(crate) fn assert_log_is_clean(what: &str, log: &str) {
    assert!(!holds_any(log, &[MARKER]), "the {what} shows a password:\n{log}");
}

/// What the lifecycle keeps in every cache of a build.
const BUILD_CACHE: &str = "io.buildpacks.lifecycle.cache.metadata";

/// Asserts that the image holds no password; proves with the text of a file of the app that the
/// search would have found one.
pub(crate) fn assert_image_is_clean(image: &str, text_of_the_app: &str) {
    let found = Search::of(&[MARKER], &[text_of_the_app]).find_in_output(&["save", image]);
    assert!(found.contains(&1), "the search in {image} does not find the app");
    assert!(!found.contains(&0), "{image} holds a password");
}

/// Whether an image has been searched as a whole.
static SEARCHED: Once = Once::new();

/// Asserts that what a build has made holds no password: pack's caches, the configuration, and the layers that came to the
/// run image's. The launch cache has them as they were made, so that this takes a second; a whole image, whose other layers
/// no build has touched, takes ten: one in a run is searched, and each whose caches lack a layer.
pub(crate) fn assert_build_is_clean(image: &str, caches: &[String; 2], text_of_the_app: &str) {
    let inspected = docker_ok(&["image", "inspect", image]);
    let history = docker_ok(&["history", "--no-trunc", "--format", "{{json .}}", image]);
    let layers = layers_of_the_build(&inspected);
    let mut texts = vec![BUILD_CACHE, text_of_the_app];
    texts.extend(layers.iter().map(String::as_str));
    let search = Search::of(&[MARKER], &texts);
    let mut found = search.find(format!("{inspected}{history}").as_bytes());
    // A digest in the configuration is no layer that was searched.
    found.retain(|index| *index == 0);
    found.extend(found_in_volumes(&search, caches));
    assert!(!found.contains(&0), "{image}, or a cache of its build, holds a password");

    let mut is_first = false;
    SEARCHED.call_once(|| is_first = true);
    let has_everything = (1..=texts.len()).all(|index| found.contains(&index));
    if is_first || !has_everything {
        assert_image_is_clean(image, text_of_the_app);
    }
    if !has_everything {
        assert_is_rare(&format!("a cache of {image} lacks what the build has made"));
    }
}

/// Now and then, on a busy machine, pack's caches are empty after a build, or lack layers. The search must not come to
/// rely on that.
fn assert_is_rare(what: &str) {
    static TIMES: AtomicU32 = AtomicU32::new(0);
    eprintln!("{what}");
    let times = TIMES.fetch_add(1, Ordering::Relaxed) + 1;
    assert!(times <= 3, "{what}, the {times}th time in this run");
}

/// What is found in the files of volumes, whose layers lie there as tar files, which are not compressed. The container has
/// them and is never started, which would take ten times as long.
fn found_in_volumes(search: &Search, volumes: &[String]) -> BTreeSet<usize> {
    let holder = unique_name("volumes");
    let mounts =
        volumes.iter().enumerate().map(|(index, name)| format!("{name}:/caches/{index}:ro"));
    let mounts: Vec<String> = mounts.flat_map(|mount| ["--volume".to_owned(), mount]).collect();
    let mounts: Vec<&str> = mounts.iter().map(String::as_str).collect();
    docker_ok(&[&["create", "--name", &holder], &mounts[..], &[IMAGE, "true"]].concat());
    let found = search.find_in_output(&["cp", &format!("{holder}:/caches"), "-"]);
    docker_ok(&["rm", &holder]);
    found
}

/// Digests of all layers that lie above the run image's.
fn layers_of_the_build(inspected: &str) -> Vec<String> {
    let image: Value = serde_json::from_str(inspected).expect("docker's JSON");
    let image = &image[0];
    let record = image["Config"]["Labels"]["io.buildpacks.lifecycle.metadata"].as_str();
    let record: Value = serde_json::from_str(record.expect("the lifecycle's label")).expect("JSON");
    let last = &record["runImage"]["topLayer"];
    let layers = image["RootFS"]["Layers"].as_array().expect("layers").iter();
    let above = layers.skip_while(|layer| *layer != last).skip(1);
    let above: Vec<String> = above.map(|it| it.as_str().expect("a digest").to_owned()).collect();
    assert!(!above.is_empty(), "no layer after the run image's: {inspected}");
    above
}

#[test]
fn the_search_finds_a_secret_in_every_form() {
    let search = Search::of(&[MARKER], &[]);
    for prefix in ["", "x", "xy", "xyz"] {
        let secret = format!("{prefix}{ODD_PASSWORD}");
        for text in [
            secret.clone(),
            base64(secret.as_bytes()),
            utf8_percent_encode(&secret, NON_ALPHANUMERIC).to_string(),
        ] {
            assert_eq!(search.find(text.as_bytes()).len(), 1, "{text}");
        }
    }
    assert!(search.find(b"mArKeR4f1c9").is_empty());
}
