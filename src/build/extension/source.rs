//! Compiles source releases, for a PHP that no distribution has packages for.

use super::apt::Apt;
use super::build_tools;
use super::download::download;
use super::progress::{downloaded, timed};
use super::release::{Release, release_for};
use super::request::{ExtensionRequest, Fetched};
use super::unpacked::Unpacked;
use crate::config::build::Provider;
use crate::config::environment::prepend_paths;
use crate::store::Store;
use crate::system::command::{find_program, run};
use crate::system::version::Version;
use anyhow::{Context, anyhow, bail, ensure};
use flate2::read::GzDecoder;
use libcnb::Env;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Programs that phpize and its output use, besides phpize and php-config themselves.
const TOOLS: [&str; 3] = ["autoconf", "make", "cc"];

/// Debian's packages with the headers that php-memcached includes, pkg-config to find them, and what
/// libmemcached's pkg-config file requires.
const MEMCACHED_NEEDS: [&str; 5] =
    ["libmemcached-dev", "libsasl2-dev", "libssl-dev", "pkg-config", "zlib1g-dev"];
const MEMCACHED_INCLUDES: &str =
    "#include <libmemcached/memcached.h>\n#include <sasl/sasl.h>\n#include <zlib.h>\n";

/// Downloads and compiles the extension.
pub(super) fn provide(request: &ExtensionRequest<'_>, work: &Path) -> anyhow::Result<Fetched> {
    let tools = Tools::find(request, work)?;
    let php = &request.php.facts().version;
    let release = release_for(request.releases, request.store, php)
        .ok_or_else(|| no_release(request.releases, request.store, php))?;
    let headers = headers(request, work)?;
    let store = request.store;
    let archive = timed(format!("Downloading the source of {store} {}", release.version), || {
        download(&release.uri, &release.sha256, request.mirror, &work.join("download"))
    })?;
    let package = release.package();
    let folder = work.join("source");
    downloaded(&package, &archive)
        .and_then(|()| unpack(&archive, &folder))
        .with_context(|| format!("{} cannot be unpacked", archive.display()))?;
    let source = folder.join(format!("{store}-{}", release.version));
    timed(format!("Compiling {package} for PHP API {}", request.php.facts().api), || {
        compile(request, &tools, &headers, &source)
    })?;
    Ok(Fetched {
        provider: Provider::Source,
        extension_dir: source.join("modules"),
        unpacked: headers,
        release: Some(package),
    })
}

/// Why no release is for this PHP: it is newer than all of them, or older.
fn no_release(releases: &[Release], store: Store, php: &Version) -> anyhow::Error {
    let mut of_store = releases.iter().rev().filter(|release| release.store == store);
    let newest = of_store.find_map(|it| Some((it, it.php_before.clone()?)));
    match newest {
        Some((newest, before)) if !php.precedes(&before) => {
            let newest = newest.package();
            anyhow!(
                "this buildpack pins no release for PHP {php}: the newest, {newest}, is known to compile with PHP before {before}. A newer version of the buildpack may have one"
            )
        }
        _ => anyhow!("this buildpack pins no release for PHP {php}"),
    }
}

/// phpize and php-config of the PHP in question.
struct Tools {
    phpize: PathBuf,
    php_config: PathBuf,
}

impl Tools {
    fn find(request: &ExtensionRequest<'_>, work: &Path) -> anyhow::Result<Self> {
        let facts = request.php.facts();
        // Debian calls them php8.2, phpize8.2, php-config8.2.
        let file_name = facts.binary.file_name().unwrap_or_default().to_string_lossy();
        let suffix = file_name.strip_prefix("php").unwrap_or_default();
        let find = |name: &str| {
            let beside = facts.binary.with_file_name(format!("{name}{suffix}"));
            if beside.is_file() { Some(beside) } else { find_program(request.env, name) }
        };
        let (phpize, php_config) = (find("phpize"), find("php-config"));
        let mut missing = Vec::new();
        missing.extend(phpize.is_none().then_some("phpize"));
        missing.extend(php_config.is_none().then_some("php-config"));
        missing.extend(TOOLS.iter().filter(|tool| find_program(request.env, tool).is_none()));
        let (Some(phpize), Some(php_config), true) = (phpize, php_config, missing.is_empty())
        else {
            bail!("the build image has no {}", missing.join(", "));
        };
        let (phpize, php_config) =
            build_tools::in_place(phpize, php_config, &facts.binary, &work.join("tools"))
                .context("phpize cannot be adapted to the location of this PHP")?;
        let theirs = run(tool(request.env, &php_config).arg("--version"))?.trim().to_owned();
        let ours = facts.version.to_string();
        ensure!(
            theirs == ours,
            "{} is for PHP {theirs}, but `php` is {ours}",
            php_config.display()
        );
        Ok(Self { phpize, php_config })
    }
}

/// The packages with the headers of libraries; none where the image has them.
fn headers(request: &ExtensionRequest<'_>, work: &Path) -> anyhow::Result<Unpacked> {
    if request.store == Store::Redis || image_has_headers(request, work) {
        return Ok(Unpacked::default());
    }
    let fetched = Apt::new(request, work).and_then(|apt| {
        let unpacked = apt.fetch(&MEMCACHED_NEEDS)?;
        unpacked.lead_links_to_the_image(Path::new("/"))?;
        Ok(unpacked)
    });
    fetched.with_context(|| {
        let packages = MEMCACHED_NEEDS.join(", ");
        format!("the build image lacks the headers from {packages}, and apt cannot fetch them")
    })
}

fn image_has_headers(request: &ExtensionRequest<'_>, work: &Path) -> bool {
    let includes = work.join("includes.c");
    crate::system::files::write(&includes, MEMCACHED_INCLUDES).is_ok()
        && run(tool(request.env, "cc")
            .args(["-E", "-o"])
            .args([work.join("includes.i").as_path(), includes.as_path()]))
        .is_ok()
        && run(tool(request.env, "pkg-config").args(["--exists", "libmemcached"])).is_ok()
}

fn compile(
    request: &ExtensionRequest<'_>,
    tools: &Tools,
    headers: &Unpacked,
    source: &Path,
) -> anyhow::Result<()> {
    let env = compile_env(request, headers, source);
    let step = |program: &Path| {
        let mut command = tool(&env, program);
        command.current_dir(source);
        command
    };
    run(&mut step(&tools.phpize))?;
    let mut configure = step(&source.join("configure"));
    configure.arg(format!("--with-php-config={}", tools.php_config.display()));
    let usr = headers.root.join("usr");
    // If the image itself has zlib's headers, they are not among the unpacked ones.
    if usr.join("include/zlib.h").is_file() {
        configure.arg(format!("--with-zlib-dir={}", usr.display()));
    }
    run(&mut configure)?;
    let jobs = std::thread::available_parallelism().map_or(1, usize::from);
    run(step(Path::new("make")).arg(format!("-j{jobs}")))?;
    Ok(())
}

/// The compiler's environment, which lets it find the headers and makes builds reproducible.
fn compile_env(request: &ExtensionRequest<'_>, headers: &Unpacked, source: &Path) -> Env {
    let mut env = request.env.clone();
    env.insert("CFLAGS", format!("-O2 -ffile-prefix-map={}=.", source.display()));
    let mut linker = vec!["-Wl,--strip-debug".to_owned()];
    let dirs = headers.library_dirs();
    if !dirs.is_empty() {
        let include = headers.root.join("usr/include");
        let mut includes = vec![format!("-I{}", include.display())];
        for dir in &dirs {
            linker.push(format!("-L{}", dir.display()));
            // Such as /usr/include/x86_64-linux-gnu, next to /usr/lib/x86_64-linux-gnu.
            let of_arch = include.join(dir.file_name().unwrap_or_default());
            includes.push(format!("-I{}", of_arch.display()));
        }
        env.insert("CPPFLAGS", includes.join(" "));
        prepend_paths(&mut env, "LD_LIBRARY_PATH", &dirs);
        prepend_paths(&mut env, "PATH", &[headers.root.join("usr/bin")]);
        let pc_files: Vec<PathBuf> = dirs.iter().map(|dir| dir.join("pkgconfig")).collect();
        prepend_paths(&mut env, "PKG_CONFIG_PATH", &pc_files);
        env.insert("PKG_CONFIG_SYSROOT_DIR", &headers.root);
    }
    env.insert("LDFLAGS", linker.join(" "));
    env
}

fn tool(env: &Env, program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new(program);
    command.env_clear().envs(env);
    command
}

/// Unpacks folders and regular files, and refuses anything else: source releases contain nothing else, and a link
/// could lead out of the folder.
fn unpack(archive: &Path, into: &Path) -> io::Result<()> {
    std::fs::create_dir_all(into)?;
    let mut archive = tar::Archive::new(GzDecoder::new(File::open(archive)?));
    for entry in archive.entries()? {
        let mut entry = entry?;
        let kind = entry.header().entry_type();
        let plain = kind.is_file() || kind.is_dir();
        if !plain || !entry.unpack_in(into)? {
            let path = entry.path()?.display().to_string();
            return Err(io::Error::other(format!("{path:?} is not a file or folder inside it")));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::build::extension::Pins;

    fn pins() -> Vec<Release> {
        let descriptor: toml::Table = include_str!("../../../buildpack.toml").parse().unwrap();
        let pins: Pins = descriptor["metadata"].clone().try_into().unwrap();
        pins.releases
    }

    #[test]
    fn a_php_that_is_newer_than_the_pins_is_not_compiled_for() {
        for store in Store::ALL {
            let message = |php: &str| {
                let php = php.parse().unwrap();
                match release_for(&pins(), store, &php) {
                    Some(release) => release.version.to_string(),
                    None => no_release(&pins(), store, &php).to_string(),
                }
            };
            for php in ["8.4.99", "8.5.0", "8.5.12"] {
                assert!(message(php).parse::<Version>().is_ok(), "{store} {php}");
            }
            for php in ["8.6.0", "9.0.0"] {
                let message = message(php);
                assert!(message.contains(&format!("PHP {php}: the newest, {store} ")), "{message}");
                assert!(message.contains("PHP before 8.6.0"), "{message}");
            }
            assert_eq!(message("5.6.40"), "this buildpack pins no release for PHP 5.6.40");
        }
    }
}
