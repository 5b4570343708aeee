//! A registry on loopback.

use super::app::of_setup;
use super::docker::{Container, both, docker, docker_ok};
use super::services::IMAGE;
use std::process::Command;

/// A registry; what it keeps goes away with it.
pub(crate) struct Registry {
    container: Container,
}

impl Registry {
    pub(crate) fn start() -> Self {
        let program = format!("{}:/crane:ro", of_setup("bin/crane").display());
        let options = ["--publish", "127.0.0.1::5000", "--volume", &program];
        let command = ["/crane", "registry", "serve", "--address", ":5000"];
        let container = Container::start(&options, IMAGE, &command);
        container.wait_for_port(5000);
        Self { container }
    }

    /// The full name of an image in the registry.
    pub(crate) fn name_of(&self, image: &str) -> String {
        format!("{}/{image}", self.container.published(5000))
    }

    /// Copies an image of the engine to the registry, and gives its name there.
    pub(crate) fn push(&self, image: &str, name: &str) -> String {
        let reference = self.name_of(name);
        docker_ok(&["tag", image, &reference]);
        docker_ok(&["push", "--quiet", &reference]);
        docker(&["rmi", &reference]);
        reference
    }

    /// Gives an image in the registry a label.
    pub(crate) fn label(reference: &str, label: &str) {
        let crane = of_setup("bin/crane");
        let mutate = ["mutate", reference, "--tag", reference, "--label", label];
        let output = Command::new(crane).args(mutate).output().expect("crane is there");
        assert!(output.status.success(), "{}", both(&output));
    }
}
