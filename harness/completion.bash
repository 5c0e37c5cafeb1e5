# Completion of lineage's commands, options, networks, spaces and strategies in bash.

# Names in the first column of a table that lineage prints, without its head.
_lineage_names() {
    "$1" "${@:2}" 2>/dev/null | awk 'NR > 1 && NF == 0 { exit } NR > 1 { print $1 }'
}

_lineage() {
    local lineage=${COMP_WORDS[0]} command=${COMP_WORDS[1]} word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} names=
    COMPREPLY=()
    if [ "$COMP_CWORD" -eq 1 ] || { [ "$COMP_CWORD" -eq 2 ] && [ "$command" = help ]; }; then
        names="help version $("$lineage" --help 2>/dev/null | sed -n 's/^  \([a-z]*\)  .*/\1/p')"
    elif [[ $word == --* ]]; then
        names=$("$lineage" "$command" --help 2>/dev/null | sed -n 's/^  .*\(--[a-z-]*\).*/\1/p')
    else
        case $before in
        --space) names=$(_lineage_names "$lineage" spaces) ;;
        --data) names=$(_lineage_names "$lineage" data list | sed 's/:.*//') ;;
        --backend) names="own openblas" ;;
        --isa) names="portable avx2 avx512" ;;
        --profile) names="smoke quick full" ;;
        --*) ;; # a value: a file perhaps
        *)
            case $command in
            show | draw | count | bench | train | eval | predict | export) names=$(_lineage_names "$lineage" models) ;;
            spaces) names=$(_lineage_names "$lineage" spaces) ;;
            data) names="list info fetch verify" ;;
            table) names="build verify" ;;
            latency) names="table check" ;;
            esac
            ;;
        esac
    fi
    mapfile -t COMPREPLY < <(compgen -W "$names" -- "$word")
}
complete -o default -F _lineage lineage
