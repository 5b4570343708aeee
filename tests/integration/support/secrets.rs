//! The search for secrets: in an image's layers, configuration and labels, and in logs.

use super::docker::both;
use super::services::IMAGE;
use aho_corasick::AhoCorasick;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use std::collections::BTreeSet;
use std::io::Read;
use std::process::{Command, Stdio};

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

/// The needles for some secrets: one pass finds all of them.
struct Search {
    needles: AhoCorasick,
    /// Which secret a needle is a form of.
    secrets: Vec<usize>,
}

impl Search {
    fn of(secrets: &[&str]) -> Self {
        let forms = secrets
            .iter()
            .enumerate()
            .flat_map(|(index, secret)| forms(secret).into_iter().map(move |form| (index, form)));
        let (secrets, needles): (Vec<usize>, Vec<Vec<u8>>) = forms.unzip();
        Self { needles: AhoCorasick::new(needles).expect("few and short needles"), secrets }
    }

    /// The indices of the secrets that the bytes hold.
    fn find(&self, bytes: &[u8]) -> BTreeSet<usize> {
        self.needles.find_iter(bytes).map(|found| self.secrets[found.pattern()]).collect()
    }

    /// As [`Self::find`], in everything that a docker command prints: an exported image with all layers,
    /// the configuration and the labels; the files of a volume.
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

/// Asserts that a log shows no password.
pub(crate) fn assert_log_is_clean(what: &str, log: &str) {
    assert!(
        Search::of(&[MARKER]).find(log.as_bytes()).is_empty(),
        "the {what} shows a password:\n{log}"
    );
}

/// Asserts that the image holds no password; proves with the text of a file of the app that the
/// search would have found one.
pub(crate) fn assert_image_is_clean(image: &str, text_of_the_app: &str) {
    let found = Search::of(&[text_of_the_app, MARKER]).find_in_output(&["save", image]);
    assert!(found.contains(&0), "the search in {image} does not find the app");
    assert!(!found.contains(&1), "{image} holds a password");
}

/// Asserts that a volume, such as pack's caches, holds no password; proves with a text that is in it that the search
/// would have found one.
pub(crate) fn assert_volume_is_clean(volume: &str, text_of_the_volume: &str) {
    let mount = format!("{volume}:/volume:ro");
    // Layers lie there as tar files, which are not compressed.
    let files = ["run", "--rm", "--volume", &mount, IMAGE, "tar", "-c", "/volume"];
    let found = Search::of(&[text_of_the_volume, MARKER]).find_in_output(&files);
    assert!(found.contains(&0), "the search in the volume {volume} finds nothing");
    assert!(!found.contains(&1), "the volume {volume} holds a password");
}

#[test]
fn the_search_finds_a_secret_in_every_form() {
    let search = Search::of(&[MARKER]);
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
