# Sourced: the images. For each Debian release a base, its variants (images/Dockerfile) and a builder for each; and the
# services (images/services.Dockerfile). Only what has changed is rebuilt.
export DOCKER_BUILDKIT=0 # the classic builder is in every engine

image_id() { docker image inspect --format '{{.Id}}' "$1" 2>/dev/null; }

ubuntu=http://archive.ubuntu.com/ubuntu

# The keys of Ubuntu's archive, from a package with a known checksum; in /tmp, where apt's own user can read them.
ubuntu_keyring() {
  local folder
  folder=$(mktemp -d)
  quietly curl --fail --silent --show-error --location --retry 3 --output "$folder/keys.deb" "$ubuntu/$UBUNTU_KEYRING"
  quietly sha256sum --check <<<"$UBUNTU_KEYRING_SHA256  $folder/keys.deb"
  quietly dpkg-deb --extract "$folder/keys.deb" "$folder"
  chmod 755 "$folder"
  printf '%s' "$folder/usr/share/keyrings/ubuntu-archive-keyring.gpg"
}

# Where a public registry has Debian's images; tests use their own registry.
debian_images=${DEBIAN_IMAGES:-docker.io/library/debian}

# This needs no installation and no root.
pulled_base_image() { # pulled_base_image SUITE
  local image=$image_prefix/base:$1 debian=$debian_images:$1-slim version
  docker pull --quiet "$debian" >/dev/null 2>&1 || return
  say "$image: from $debian"
  version=$(docker run --rm "$debian" sed -n 's/^VERSION_ID="\(.*\)"/\1/p' /etc/os-release)
  quietly docker build --quiet --file "$root/images/base.Dockerfile" --build-arg "DEBIAN=$debian" \
    --build-arg "VERSION=$version" --tag "$image" "$root/images"
}

base_image() { # base_image SUITE
  local image=$image_prefix/base:$1
  if image_id "$image" >/dev/null; then return; fi
  command -v mmdebstrap >/dev/null || apt_install mmdebstrap
  say "$image: bootstrapping $1"
  # The lifecycle refuses a user that is not in /etc/passwd.
  local add_user='chroot "$1" sh -c "groupadd -g 1000 cnb && useradd -m -u 1000 -g 1000 -s /bin/bash cnb"'
  local tar
  tar=$(mktemp)
  local -a archive=("$1" "$tar")
  local distro=debian
  # A lagging mirror has outdated package lists.
  [ "$1" = forky ] && archive=(--aptopt='Acquire::Check-Valid-Until "false"' "${archive[@]}")
  if [ "$1" = noble ]; then
    distro=ubuntu
    archive=(--include=apt --components=main,universe --keyring="$(ubuntu_keyring)" "$1" "$tar" "$ubuntu")
  fi
  quietly mmdebstrap --variant=minbase --include=ca-certificates --format=tar \
    --customize-hook="$add_user" "${archive[@]}"
  # A release that is not out yet has no version, but buildpacks need one.
  local version
  version=$(tar -xOf "$tar" ./usr/lib/os-release | sed -n 's/^VERSION_ID="\(.*\)"/\1/p')
  docker import \
    --change 'ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin CNB_USER_ID=1000 CNB_GROUP_ID=1000' \
    --change "LABEL io.buildpacks.base.distro.name=$distro" \
    --change "LABEL io.buildpacks.base.distro.version=${version:-$1}" \
    --change 'USER 1000:1000' "$tar" "$image" >/dev/null
  rm -f "$tar"
}

stage_image() { # stage_image STAGE SUITE
  [ "$1" = base ] && return
  quietly docker build --quiet --file "$root/images/Dockerfile" --target "$1" \
    --build-arg "BASE=$image_prefix/base:$2" --build-arg "PHP=$(php_version_of "$2")" \
    --tag "$image_prefix/$1:$2" "$root/images"
}

lifecycle_source() { # ours, or the one that pack downloads
  local archive=$tools/lifecycle-v$LIFECYCLE_VERSION.tgz
  if [ -f "$archive" ]; then printf 'uri = "file://%s"' "$archive"; else printf 'version = "%s"' "$LIFECYCLE_VERSION"; fi
}

builder() { # builder NAME BUILD_STAGE RUN_STAGE SUITE
  local build=$image_prefix/$2:$4 run=$image_prefix/$3:$4 builder=$image_prefix/builder-$1:$4 made_from
  # The tag beside the builder records what it was created from.
  made_from=$builder-$(image_id "$build" | cut -c8-19)-$(image_id "$run" | cut -c8-19)-$LIFECYCLE_VERSION
  if image_id "$made_from" >/dev/null; then return; fi
  say "$builder: creating"
  local config
  config=$(mktemp -d)/builder.toml
  cat >"$config" <<TOML
[build]
image = "$build"
[run]
[[run.images]]
image = "$run"
[lifecycle]
$(lifecycle_source)
TOML
  quietly pack builder create "$builder" --config "$config" --pull-policy never
  docker tag "$builder" "$made_from"
  rm -rf "${config%/*}"
}

suite_images() { # suite_images SUITE
  local name build run suites
  base_image "$1"
  while read -r name build run suites; do
    has_word "$suites" "$1" || continue
    stage_image "$build" "$1"
    stage_image "$run" "$1"
    builder "$name" "$build" "$run" "$1"
  done < <(grep -v '^#' "$root/images/builders.txt")
  say "$image_prefix/…:$1: up to date"
}

services_image() { # services_image STAGE SUITE
  say "$image_prefix/$1"
  quietly docker build --quiet --file "$root/images/services.Dockerfile" --target "$1" \
    --build-arg "BASE=$image_prefix/base:$2" --tag "$image_prefix/$1" "$root/images"
}
