//! The Deployment of `samples/kubernetes`, with its Secret as it is.

use crate::support::TRIXIE;
use crate::support::app::{Instance, build, config, make_readable};
use crate::support::docker::docker_ok;
use crate::support::http_client::HttpClient;
use crate::support::kubernetes::{container, entries, redis_of, sample, write_secret_volume};
use libcnb_test::assert_contains;
use std::collections::BTreeMap;

#[test]
fn the_sample_deployment_checks_itself_and_shares_sessions() {
    let secret = &sample("kubernetes/secret.yaml")[0];
    let entries = entries(secret);
    let redis = redis_of(&entries);
    let folder = tempfile::tempdir().unwrap();
    make_readable(folder.path());
    write_secret_volume(folder.path(), &entries);
    let secrets =
        BTreeMap::from([(secret["metadata"]["name"].as_str().unwrap().to_owned(), folder.path())]);
    let deployment = &sample("kubernetes/deployment.yaml")[0];
    assert_eq!(deployment["spec"]["replicas"], 2);
    let pod = &deployment["spec"]["template"]["spec"];
    let find_redis = format!("--add-host={}:{}", entries["host"], redis.host());
    let part = |name: &str| {
        let mut part = container(pod, &pod[name][0], &secrets);
        part.options.push(find_redis.clone());
        part
    };

    build(config(TRIXIE, "full").env("BP_PHP_SESSION_STORE", "redis"), |app| {
        let user = docker_ok(&["inspect", "--format", "{{.Config.User}}", &app.image]);
        assert!(pod["securityContext"]["runAsNonRoot"] == true, "{user}");
        assert!(!user.starts_with('0'), "{user}");

        let (ok, said) = part("initContainers").run(&app.image);
        assert!(ok, "{said}");
        assert_contains!(said, "are kept");
        let options = part("containers").options;
        let options: Vec<&str> = options.iter().map(String::as_str).collect();
        let replicas: [Instance; 2] = [0, 1].map(|_| app.start(&options));
        // The probes of the port have made no session.
        assert_eq!(redis.sessions(&entries["password"]), 0);
        let mut visitor = HttpClient::new();
        let counts = [0, 1, 0, 1].map(|replica| visitor.count(replicas[replica].address()));
        assert_eq!(counts, [1, 2, 3, 4], "{}", replicas[0].container.logs());

        // A replica that cannot keep sessions does not come as far.
        redis.stop_listening(&entries["password"]);
        let (ok, said) = part("initContainers").run(&app.image);
        assert!(!ok, "{said}");
        assert_contains!(said, "are NOT kept");
        // Without that container, it would start.
        let (ok, said) = app.run(&options, &["true"]);
        assert!(ok, "{said}");
        assert_contains!(said, "warning: for now, service");
    });
}
