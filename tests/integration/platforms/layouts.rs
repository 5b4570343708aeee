//! PHP as Alpine and Red Hat's family lay it out: names, folders and php-fpm's pool are theirs, the programs Debian's,
//! as no image of theirs can be had here.

use crate::support::docker::{both, docker};
use crate::support::secrets::{MARKER, assert_log_is_clean};
use crate::support::services::Redis;
use crate::support::{BOOKWORM, app};
use libcnb_test::assert_contains;

/// The lifecycle's folders, and an app.
const APP: &str = "
mkdir -p /w/layers /w/platform/env /w/app && cd /w/app
cp /samples/counter/index.php . && : >../plan.toml
printf redis >../platform/env/BP_PHP_SESSION_STORE
export CNB_TARGET_OS=linux CNB_TARGET_ARCH=amd64 CNB_BUILDPACK_DIR=/buildpack";

/// One program for each release, and neither apt nor dpkg.
const ALPINE: &str = "
mv /usr/bin/php8.2 /usr/bin/php82 && rm -f /usr/bin/php /usr/bin/php-config* /usr/bin/phpize* /usr/bin/dpkg* /usr/bin/apt*
export CNB_TARGET_DISTRO_NAME=alpine CNB_TARGET_DISTRO_VERSION=3.20.3";

/// Ini files in /etc/php.d, and a stock pool that sets the session's handler and folder.
const RED_HAT: &str = "
rm -f /usr/bin/dpkg* /usr/bin/apt*
mkdir -p /etc/php-fpm.d && cp -rL /etc/php/8.2/cli/conf.d /etc/php.d && rm -r /etc/php/8.2/cli/conf.d
export PHP_INI_SCAN_DIR=/etc/php.d
printf 'include=/etc/php-fpm.d/*.conf\\n[global]\\n' >/etc/php-fpm.conf
printf '[www]\\nphp_value[session.save_handler] = files\\nphp_value[session.save_path] = /var/lib/php/session\\n' >/etc/php-fpm.d/www.conf
export CNB_TARGET_DISTRO_NAME=rhel CNB_TARGET_DISTRO_VERSION=9.5";

const BUILD: &str = "
/buildpack/bin/detect ../platform ../build-plan.toml && /buildpack/bin/build ../layers ../platform ../plan.toml";

/// As the launcher does: ini folders, then the exec.d program, whose variables are for the process.
const LAUNCH: &str = r#"
export PHP_INI_SCAN_DIR="$PHP_INI_SCAN_DIR$(cat ../layers/session/env.launch/PHP_INI_SCAN_DIR.append)"
../layers/session/exec.d/session_env 3>../variables.toml
eval "$(sed 's/^\([A-Z_]*\) = "\(.*\)"$/export \1='\''\2'\''/' ../variables.toml)""#;

/// Runs a script in a container of an image with this layout; gives its status, and what it printed.
fn run(variant: &str, layout: &str, script: &str, options: &[&str]) -> (Option<i32>, String) {
    let buildpack = format!("{}:/buildpack:ro", app::buildpack());
    let samples = format!("{}:/samples:ro", app::root().join("samples").display());
    let image = BOOKWORM.image(variant);
    let script = format!("{layout}\n{APP}\n{script}");
    let run = ["run", "--rm", "--user", "0", "--volume", &buildpack, "--volume", &samples];
    let output = docker(&[&run[..], options, &[&image, "sh", "-c", &script]].concat());
    assert_log_is_clean("log", &both(&output));
    (output.status.code(), both(&output))
}

#[test]
fn alpine_has_php82_and_no_php() {
    let (status, log) = run("full", ALPINE, BUILD, &[]);
    assert!(status == Some(0), "{log}");
    assert_contains!(log, "Using phpredis 5.3.7");
    let (status, log) = run("bare", ALPINE, BUILD, &[]);
    assert!(status == Some(1), "{log}");
    assert_contains!(log, "(apk add php82-pecl-redis)");
}

#[test]
fn the_stock_pool_of_red_hat_is_named_where_it_keeps_files() {
    let redis = Redis::start(MARKER);
    let service = format!(
        r#"VCAP_SERVICES={{"p.redis":[{{"name":"redis-sessions","credentials":{{"host":"{}","password":"{MARKER}"}}}}]}}"#,
        redis.host()
    );
    let check = format!("{BUILD} && {LAUNCH}\n../layers/session/bin/session-check");
    let (status, log) = run("full", RED_HAT, &check, &["--env", &service]);
    assert_eq!(status, Some(2), "{log}");
    assert_contains!(log, "/etc/php-fpm.d/www.conf");
    assert_contains!(log, "save_handler");
    // Without the pool's lines they are kept.
    let check = format!("sed -i '/session/d' /etc/php-fpm.d/www.conf; {check}");
    let (status, log) = run("full", RED_HAT, &check, &["--env", &service]);
    assert!(status == Some(0), "{log}");
    assert_contains!(log, "are kept");
    let (status, log) = run("bare", RED_HAT, BUILD, &[]);
    assert!(status == Some(1), "{log}");
    assert_contains!(log, "(dnf install php-devel php-pear, then pecl install redis)");
}
