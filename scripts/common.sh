# Sourced by the other scripts: paths and output.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
. "$root/scripts/versions.env"

# Tools are kept outside the checkout, so that a second clone is quick.
tools=${PHP_SESSION_STORE_TOOLS:-${XDG_CACHE_HOME:-$HOME/.cache}/php-session-store}
mkdir -p "$tools/bin"
PATH="$tools/bin:$PATH"

suites=${SUITES:-bookworm trixie}
image_prefix=${PHP_SESSION_STORE_IMAGES:-php-session-store}

# The script that speaks: `setup-images` is part of `setup`.
speaker=${0##*/}
speaker=${speaker%%-*}

has_word() { case " $1 " in *" $2 "*) ;; *) return 1 ;; esac; } # has_word LIST WORD

say() { printf '[%s] %s\n' "$speaker" "$*"; }
die() { printf '[%s] error: %s\n' "$speaker" "$*" >&2; exit 1; }

# Runs a command quietly; shows its output only if it fails.
quietly() {
  local log
  log=$(mktemp)
  if "$@" >"$log" 2>&1; then rm -f "$log"; else
    local status=$?
    cat "$log" >&2
    rm -f "$log"
    die "failed: $*"
    return "$status"
  fi
}

# The names of the tests that failed, from the list at the end of what cargo printed; an interrupted run has none.
failed_tests() { sed -n '/^failures:$/,$p' "$1" | sed -n 's/^    \([a-z0-9_]*::[a-z0-9_:]*\)$/\1/p' | sort -u; }

apt_install() {
  [ "$(id -u)" = 0 ] || die "needs root to install: $*"
  say "installing $* from Debian"
  quietly apt-get update -q
  quietly env DEBIAN_FRONTEND=noninteractive apt-get install -yq --no-install-recommends "$@"
}

php_version_of() { local name="PHP_$1"; printf '%s' "${!name}"; }
