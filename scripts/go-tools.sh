# Sourced: builds programs from Go modules of github.com, and verifies their checksums.

# go_module MODULE VERSION SUM → verifies the module's checksum, and prints the path of a writable copy.
go_module() {
  local module=github.com/$1@v$2 info sum source copy=$tools/src-${1//\//-}
  info=$(go mod download -json "$module") || die "cannot download $module"
  sum=$(sed -n 's/^\t"Sum": "\(.*\)",$/\1/p' <<<"$info")
  [ "$sum" = "$3" ] || die "$module has the sum $sum, expected $3"
  source=$(sed -n 's/^\t"Dir": "\(.*\)",$/\1/p' <<<"$info")
  rm -rf "$copy"
  cp -r "$source" "$copy"
  chmod -R u+w "$copy"
  printf '%s' "$copy"
}

go_build() { # go_build DIR VERSION_FLAG PACKAGE OUTPUT
  (cd "$1" && quietly env CGO_ENABLED=0 GOTOOLCHAIN=local \
    go build -buildvcs=false -trimpath -ldflags "-s -w -X $2" -o "$4" "$3")
}

# go_tool NAME MODULE VERSION SUM VERSION_VARIABLE PACKAGE: one program of a module.
go_tool() {
  local program=$tools/bin/$1-$3 src
  if [ ! -x "$program" ]; then
    say "$1: building v$3"
    src=$(go_module "$2" "$3" "$4")
    go_build "$src" "$5=$3" "$6" "$program"
    rm -rf "$src"
  fi
  ln -sfn "$program" "$tools/bin/$1"
  say "$1: v$3"
}
