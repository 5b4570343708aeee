//! Compiles source releases, for a PHP that no distribution has packages for.

use super::apt;
use super::build_tools;
use super::download::download;
use super::progress::timed;
use super::release::release_for;
use super::request::{ExtensionRequest, Fetched};
use super::unpacked::Unpacked;
use crate::config::environment::prepend_paths;
use crate::store::Store;
use crate::system::command::{command, find_program, run};
use anyhow::{Context, anyhow, bail};
use flate2::read::GzDecoder;
use libcnb::Env;
use std::fs::File;
use std::path::{Path, PathBuf};

/// The programs that compiling an extension takes.
const TOOLS: [&str; 5] = ["phpize", "php-config", "autoconf", "make", "cc"];

/// Debian's packages with the headers that php-memcached includes, pkg-config to find them, and what
/// libmemcached's pkg-config file requires.
const MEMCACHED_NEEDS: [&str; 5] =
    ["libmemcached-dev", "libsasl2-dev", "libssl-dev", "pkg-config", "zlib1g-dev"];

/// Downloads and compiles the extension.
pub(super) fn provide(request: &ExtensionRequest<'_>, work: &Path) -> anyhow::Result<Fetched> {
    let (phpize, php_config) = tools(request, work)?;
    let (store, facts) = (request.store, request.php.facts());
    let release = release_for(request.releases, store, &facts.version).ok_or_else(|| {
        anyhow!(
            "this buildpack pins no release for PHP {}; another version of it may have one",
            facts.version
        )
    })?;
    let headers = headers(request, &work.join("headers"))?;
    let package = release.package();
    let archive = timed(format!("Downloading the source of {package}"), || {
        download(&release.uri, &release.sha256, request.mirror, &work.join("download"))
    })?;
    // Its checksum is known, and so is what it contains.
    File::open(&archive)
        .and_then(|file| tar::Archive::new(GzDecoder::new(file)).unpack(work.join("source")))
        .with_context(|| format!("{} cannot be unpacked", archive.display()))?;
    let source = work.join("source").join(format!("{store}-{}", release.version));
    timed(format!("Compiling {package} for PHP API {}", facts.api), || {
        let env = compile_env(request, &headers, &source);
        compile(&env, &phpize, &php_config, &headers, &source)
    })?;
    Ok(Fetched { extension_dir: source.join("modules"), unpacked: headers, release: Some(package) })
}

/// phpize and php-config of the PHP in question.
fn tools(request: &ExtensionRequest<'_>, work: &Path) -> anyhow::Result<(PathBuf, PathBuf)> {
    let php = &request.php.facts().binary;
    // Debian calls them php8.2, phpize8.2, php-config8.2.
    let file_name = php.file_name().unwrap_or_default().to_string_lossy();
    let suffix = file_name.strip_prefix("php").unwrap_or_default();
    let find = |name: &str| {
        let beside = php.with_file_name(format!("{name}{suffix}"));
        if beside.is_file() { Some(beside) } else { find_program(request.env, name) }
    };
    let missing: Vec<&str> = TOOLS.into_iter().filter(|name| find(name).is_none()).collect();
    let (Some(phpize), Some(php_config), true) =
        (find("phpize"), find("php-config"), missing.is_empty())
    else {
        bail!("the build image has no {}", missing.join(", "));
    };
    build_tools::in_place(phpize, php_config, php, &work.join("tools"))
        .context("phpize cannot be adapted to the location of this PHP")
}

/// The packages with the headers of libraries; none where the image has them.
fn headers(request: &ExtensionRequest<'_>, work: &Path) -> anyhow::Result<Unpacked> {
    let in_image = ["--exists", "libmemcached", "libsasl2", "zlib"];
    if request.store == Store::Redis
        || run(command(request.env, "pkg-config").args(in_image)).is_ok()
    {
        return Ok(Unpacked::default());
    }
    let fetched = apt::fetch(request, &MEMCACHED_NEEDS, work).and_then(|unpacked| {
        unpacked.lead_links_to_the_image(Path::new("/"))?;
        Ok(unpacked)
    });
    fetched.with_context(|| {
        let packages = MEMCACHED_NEEDS.join(", ");
        format!("the build image lacks the headers from {packages}, and apt cannot fetch them")
    })
}

fn compile(
    env: &Env,
    phpize: &Path,
    php_config: &Path,
    headers: &Unpacked,
    source: &Path,
) -> anyhow::Result<()> {
    let step = |program: &Path| {
        let mut command = command(env, program);
        command.current_dir(source);
        command
    };
    run(&mut step(phpize))?;
    let mut configure = step(&source.join("configure"));
    configure.arg(format!("--with-php-config={}", php_config.display()));
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
