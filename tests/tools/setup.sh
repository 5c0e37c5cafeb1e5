#!/bin/sh
# Checks for the Debian packages that netlineage needs. As root it installs what is missing, else it prints the command.
# --quiet: say nothing where nothing is missing. --list: print the names of those that the build needs.
set -eu
build="gcc make libc6-dev libopenblas-dev libcjson-dev libsqlite3-dev libjpeg-dev libpng-dev zlib1g-dev libssl-dev libcmocka-dev libcairo2-dev"
run="fonts-dejavu-core gnuplot-nox dataset-fashion-mnist git curl ca-certificates help2man" # charts, embedded data, `lineage data fetch`, man pages
quiet=${1:-}
[ "$quiet" != --list ] || { echo "$build" && exit 0; }

if ! command -v dpkg-query >/dev/null; then
    [ "$quiet" = --quiet ] || echo "setup: this is not Debian; install what these packages hold: $build $run"
    exit 0
fi

# The names among $* that are not installed.
missing() {
    installed=$(dpkg-query -W -f='${db:Status-Status} ${Package}\n' "$@" 2>/dev/null | awk '$1 == "installed" { print $2 }' || true)
    for package in "$@"; do
        case "
$installed
" in *"
$package
"*) ;; *) printf '%s ' "$package" ;; esac
    done
}

absent=$(missing $build $run)
if [ -z "$absent" ]; then
    [ "$quiet" = --quiet ] || echo "setup: every package is installed"
    exit 0
fi

command="apt-get install -y --no-install-recommends ${absent% }"
if [ "$(id -u)" -ne 0 ]; then
    echo "setup: packages are missing; type:" >&2
    echo "  sudo $command" >&2
    [ -z "$(missing $build)" ] || exit 2
    exit 0
fi

echo "setup: installing $absent"
export DEBIAN_FRONTEND=noninteractive
options="-qq -o Acquire::Retries=5 -o DPkg::Lock::Timeout=300"
for attempt in 1 2 3; do
    # shellcheck disable=SC2086
    if apt-get $options update >/dev/null && apt-get $options install -y --no-install-recommends $absent >/dev/null; then
        echo "setup: done"
        exit 0
    fi
    echo "setup: attempt $attempt failed" >&2
    sleep 5
done
echo "setup: could not install the packages; check the network and type: apt-get update && $command" >&2
exit 2
