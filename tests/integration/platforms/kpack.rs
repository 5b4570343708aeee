//! As kpack 0.17 builds: each phase of the lifecycle in a container of its own, as the builder's user and without a
//! Docker socket, from a registry to a registry. What kpack passes is what its build pod has.

use crate::support::app::{App, buildpack, buildpack_id, make_readable, root};
use crate::support::docker::{Container, both, docker, docker_ok, unique_name};
use crate::support::http_client::HttpClient;
use crate::support::kubernetes::{entries, sample, write_secret_volume};
use crate::support::registry::Registry;
use crate::support::secrets::MARKER;
use crate::support::services::Redis;
use crate::support::{TRIXIE, lifecycle};
use libcnb_test::assert_contains;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use tempfile::TempDir;

/// What a Builder and an Image of kpack come to.
struct Cluster {
    registry: Registry,
    builder: String,
    run_image: String,
    tag: String,
    /// The variables and the Secret's name of the sample's Image.
    env: BTreeMap<String, String>,
    binding: String,
    secret: BTreeMap<String, String>,
}

impl Cluster {
    /// The sample's Image and Builder, with images of the tests.
    fn new(redis: &Redis) -> Self {
        let registry = Registry::start();
        let image = &sample("kpack/image.yaml")[0]["spec"]["build"];
        let variable = |it: &Value| (text(&it["name"]).to_owned(), text(&it["value"]).to_owned());
        let mut secret = entries(&sample("kubernetes/secret.yaml")[0]);
        secret.insert("host".to_owned(), redis.host());
        secret.insert("password".to_owned(), MARKER.to_owned());
        secret.remove("username");
        Self {
            builder: builder(),
            run_image: run_image(&registry, &TRIXIE.image("bare"), "run"),
            tag: registry.name_of("shop"),
            env: image["env"].as_array().unwrap().iter().map(variable).collect(),
            binding: text(&image["services"][0]["name"]).to_owned(),
            secret,
            registry,
        }
    }

    /// Builds the app; gives what the phases printed.
    fn build(&self, last_build: Option<&str>) -> String {
        let pod = BuildPod::new(self);
        let cache = format!("-cache-image={}", self.registry.name_of("shop-cache"));
        let run_image = format!("-run-image={}", self.run_image);
        let previous = last_build.map(|image| format!("-previous-image={image}"));
        let mut log = String::new();
        let mut phase = |name: &str, arguments: &[&str]| log += &pod.phase(name, arguments);
        let mut analyze =
            vec!["-layers=/layers", "-analyzed=/layers/analyzed.toml", &run_image, &cache];
        analyze.extend(previous.as_deref());
        analyze.push(&self.tag);
        phase("analyzer", &analyze);
        phase(
            "detector",
            &["-app=/workspace", "-group=/layers/group.toml", "-plan=/layers/plan.toml"],
        );
        let restore = [
            "-group=/layers/group.toml",
            "-layers=/layers",
            &cache,
            "-analyzed=/layers/analyzed.toml",
        ];
        phase("restorer", &restore);
        let build = [
            "-layers=/layers",
            "-app=/workspace",
            "-group=/layers/group.toml",
            "-plan=/layers/plan.toml",
        ];
        phase("builder", &build);
        let export = [
            "-layers=/layers",
            "-app=/workspace",
            "-group=/layers/group.toml",
            "-analyzed=/layers/analyzed.toml",
            "-project-metadata=/layers/project-metadata.toml",
            &cache,
            "-report=/var/report/report.toml",
            &self.tag,
        ];
        phase("exporter", &export);
        log
    }

    /// The app as a node has it, once it has pulled the image.
    fn pulled(&self, log: String) -> App {
        docker_ok(&["pull", "--quiet", &self.tag]);
        App::of(&self.tag, log)
    }

    /// The digest that the tag has now.
    fn digest(&self) -> String {
        docker_ok(&["pull", "--quiet", &self.tag]);
        docker_ok(&["inspect", "--format", "{{index .RepoDigests 0}}", &self.tag])
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        docker(&["rmi", "--force", &self.builder, &self.tag]);
    }
}

/// A run image of the sample's stack: at kpack's platform API a rebase wants its name on the image.
fn run_image(registry: &Registry, image: &str, name: &str) -> String {
    let reference = registry.push(image, name);
    let builder = sample("kpack/builder.yaml");
    let stack = builder.iter().find(|it| it["kind"] == "ClusterStack").expect("a stack");
    Registry::label(&reference, &format!("io.buildpacks.stack.id={}", text(&stack["spec"]["id"])));
    reference
}

/// A builder image of a stack and our buildpack, in the sample's order: optional, and the last of its group.
fn builder() -> String {
    let order = sample("kpack/builder.yaml");
    let ours =
        order.last().unwrap()["spec"]["order"][0]["group"].as_array().unwrap().last().unwrap();
    assert_eq!(text(&ours["id"]), buildpack_id());
    let config = format!(
        "[[buildpacks]]\nuri = \"{}\"\n[[order]]\n[[order.group]]\nid = \"{}\"\noptional = {}\n\
         [build]\nimage = \"{}\"\n[run]\n[[run.images]]\nimage = \"{}\"\n[lifecycle]\nuri = \"file://{}\"\n",
        buildpack(),
        text(&ours["id"]),
        ours["optional"],
        TRIXIE.image("bare"),
        TRIXIE.image("bare"),
        lifecycle("LIFECYCLE_VERSION").display(),
    );
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("builder.toml");
    fs::write(&path, config).unwrap();
    let image = unique_name("kpack-builder");
    let output = std::process::Command::new("pack")
        .args(["builder", "create", &image, "--pull-policy", "never", "--config"])
        .arg(path)
        .output()
        .expect("pack is on the PATH");
    assert!(output.status.success(), "{}", both(&output));
    image
}

/// A build pod: volumes that start empty, and a container for each phase.
struct BuildPod<'a> {
    cluster: &'a Cluster,
    volumes: TempDir,
}

impl<'a> BuildPod<'a> {
    fn new(cluster: &'a Cluster) -> Self {
        let volumes = tempfile::tempdir().unwrap();
        make_readable(volumes.path());
        let pod = Self { cluster, volumes };
        for name in ["layers", "workspace", "platform", "home", "report", "binding"] {
            fs::create_dir(pod.volume(name)).unwrap();
            // As an emptyDir with the group of the pod.
            fs::set_permissions(pod.volume(name), fs::Permissions::from_mode(0o777)).unwrap();
        }
        // What kpack's first container prepares: the source, and the Image's variables.
        fs::copy(
            root().join("samples/counter/index.php"),
            pod.volume("workspace").join("index.php"),
        )
        .unwrap();
        fs::create_dir(pod.volume("platform").join("env")).unwrap();
        for (name, value) in &cluster.env {
            fs::write(pod.volume("platform").join("env").join(name), value).unwrap();
        }
        write_secret_volume(&pod.volume("binding"), &cluster.secret);
        pod
    }

    fn volume(&self, name: &str) -> PathBuf {
        self.volumes.path().join(name)
    }

    /// Runs one phase, which must succeed; gives what it printed.
    fn phase(&self, name: &str, arguments: &[&str]) -> String {
        let mount =
            |volume: &str, path: &str| format!("--volume={}:{path}", self.volume(volume).display());
        let binding = format!("/platform/bindings/{}:ro", self.cluster.binding);
        let program = format!("--entrypoint=/cnb/lifecycle/{name}");
        let output = docker(
            &[
                // With the host's network, the registry is on loopback, where it need not speak TLS.
                &["run", "--rm", "--network=host", "--user=1000:1000", "--cap-drop=ALL"][..],
                &[
                    "--security-opt=no-new-privileges",
                    "--env=CNB_PLATFORM_API=0.9",
                    "--env=HOME=/builder/home",
                ],
                &[
                    &mount("layers", "/layers"),
                    &mount("workspace", "/workspace"),
                    &mount("platform", "/platform"),
                ],
                &[
                    &mount("home", "/builder/home"),
                    &mount("report", "/var/report"),
                    &mount("binding", &binding),
                ],
                &[&program, &self.cluster.builder],
                arguments,
            ]
            .concat(),
        );
        let said = bullet_stream::strip_ansi(both(&output));
        assert!(output.status.success(), "{name}:\n{said}");
        said
    }
}

#[test]
fn the_sample_image_is_built_built_again_from_the_cache_and_rebased() {
    let redis = Redis::start(MARKER);
    let cluster = Cluster::new(&redis);
    let log = cluster.build(None);
    let service = format!("service \"{}\"", cluster.binding);
    assert_contains!(log, &service);
    assert_contains!(log, "Downloading php8.4-redis with apt");
    let app = cluster.pulled(log);
    let mut visitor = HttpClient::new();
    let mount = binding_at_launch(&cluster);
    let options = ["--env", "SERVICE_BINDING_ROOT=/bindings", "--volume", &mount.1];
    let visit = |visitor: &mut HttpClient, app: &App| {
        let (a, b) = (app.start(&options), app.start(&options));
        [&a, &b].map(|instance| visitor.count(instance.address()))
    };
    assert_eq!(visit(&mut visitor, &app), [1, 2]);

    let log = cluster.build(Some(&cluster.digest()));
    assert_contains!(log, "Reusing the cached extension layer");
    assert_contains!(log, "gives no new warning with it");
    for layer in ["extension", "session"] {
        assert_contains!(log, &format!("Reusing layer '{}:{layer}'", buildpack_id()));
    }
    assert_eq!(visit(&mut visitor, &cluster.pulled(log)), [3, 4]);

    let patched = patched_run_image(&cluster.registry);
    let run_image = format!("-run-image={patched}");
    let log = BuildPod::new(&cluster).phase("rebaser", &[&run_image, &cluster.tag]);
    let rebased = cluster.pulled(log);
    let (_, there) = rebased.run(&options, &["ls", "/patched"]);
    assert_contains!(there, "/patched\n");
    assert_eq!(visit(&mut visitor, &rebased), [5, 6]);
}

/// The Secret's volume of the Deployment.
fn binding_at_launch(cluster: &Cluster) -> (TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    make_readable(folder.path());
    write_secret_volume(folder.path(), &cluster.secret);
    let mount = format!("{}:/bindings/{}:ro", folder.path().display(), cluster.binding);
    (folder, mount)
}

/// The run image after a security update.
fn patched_run_image(registry: &Registry) -> String {
    let container = Container::start(&["--user", "0"], &TRIXIE.image("bare"), &["sleep", "60"]);
    container.exec_as_root(&["touch", "/patched"]);
    let image = unique_name("patched");
    docker_ok(&[
        "commit",
        "--change",
        "USER 1000:1000",
        "--change",
        "CMD []",
        &container.name,
        &image,
    ]);
    let reference = run_image(registry, &image, "run:patched");
    docker(&["rmi", &image]);
    reference
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a text")
}
