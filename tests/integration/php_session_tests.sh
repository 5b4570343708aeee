#!/bin/sh
# php_session_tests.sh WORKERS KIND [NAME …]: runs PHP's own tests of sessions, which lie in /tests, and prints a line
# for each that was run: its result and its name. KIND is `theirs` (as they are) or `ours` (without the lines that set
# PHP's `files` handler or a path). Without names it runs all of them; `changed` stands for those that `ours` changes.
set -eu
workers=$1
kind=$2
shift 2
lines='^session\.save_\(handler *= *"\?files"\?\|path *=.*\)$'
folder=/tmp/php-$kind
if [ ! -d "$folder" ]; then
  cp -r /tests "$folder"
  # It skips every test whose save path is no folder.
  : >"$folder/ext/session/tests/skipif.inc"
  [ "$kind" = theirs ] || sed -i "/$lines/d" "$folder"/ext/session/tests/*.phpt
fi
cd /tests/ext/session/tests
[ $# -gt 0 ] || set -- *.phpt
[ "$1" != changed ] || set -- $(grep -l "$lines" *.phpt)
cd "$folder"
printf 'ext/session/tests/%s\n' "$@" >list
php=$(command -v php)
# Deprecations are of PHP's version, not of the settings.
TEST_PHP_EXECUTABLE=$php TEST_PHP_CGI_EXECUTABLE=$(command -v php-cgi) "$php" -d variables_order=EGPCS run-tests.php \
  -q "-j$workers" -d error_reporting=24575 --offline --set-timeout 30 -W results -r list >log 2>&1 || true
grep -q '^Time taken' log || { cat log; exit 1; }
sed 's,\t.*/,\t,' results
