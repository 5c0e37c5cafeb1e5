#!/bin/sh
# Installs what was built in a folder, or removes it: install.sh BUILD PREFIX, install.sh --remove PREFIX.
# The files that the program reads keep their names in the project below PREFIX/share/netlineage, whole folders at a time.
set -eu
build=$1
prefix=$2
share=$prefix/share/netlineage
man=$prefix/share/man/man1
completion=$prefix/share/bash-completion/completions
folders="plots results/published results/tables results/latency results/reference harness/experiments harness/report/templates"

if [ "$build" = --remove ]; then
    rm -f "$prefix/bin/lineage" "$completion/lineage" "$man/lineage.1" "$man"/lineage-[a-z]*.1
    for folder in $folders; do rm -rf "${share:?}/$folder"; done
    # fetched data may lie in the same folder
    for folder in "$share/results" "$share/harness/report" "$share/harness" "$share"; do
        [ ! -d "$folder" ] || rmdir --ignore-fail-on-non-empty "$folder"
    done
    echo "removed lineage from $prefix"
    exit 0
fi

install -D -m 755 "$build/lineage" "$prefix/bin/lineage"
install -D -m 644 harness/completion.bash "$completion/lineage"
for folder in $folders; do
    [ -d "$folder" ] || continue
    find "$folder" -type f ! -name '.*' ! -name '*.tmp-*' ! -name '*-lock' | while IFS= read -r file; do
        install -D -m 644 "$file" "$share/$file"
    done
done

if command -v help2man >/dev/null; then
    mkdir -p "$man"
    page() { # file, name, option, what it does
        help2man --no-info --no-discard-stderr --name="$4" --help-option="$3" --version-string="$version" --manual="netlineage" \
            "$build/lineage" | sed "s/^\.TH LINEAGE /.TH $(printf %s "$2" | tr a-z A-Z) /; s/^lineage \\\\- /$2 \\\\- /
                s/^\.SH EXAMPLES*\$/&\n.nf/" >"$man/$1"
    }
    version=$("$build/lineage" --version | sed 's/,.*//; s/.* //')
    page lineage.1 lineage --help "build, count, train, search and measure convolutional networks"
    "$build/lineage" --help | sed -n 's/^  \([a-z]*\)  *\(.*\)/\1 \2/p' | while read -r command summary; do
        [ "$command" = lineage ] || page "lineage-$command.1" "lineage-$command" "help $command" "$summary"
    done
else
    echo "install: no man pages, since help2man is missing: apt-get install help2man" >&2
fi
echo "installed lineage in $prefix"
