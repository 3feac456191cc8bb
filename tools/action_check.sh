#!/bin/sh
# A step of action.yml: `tinygen check` with the action's inputs, which come as TINYGEN_… variables and never as text of this script.
# Writes every form of the result below the runner's temporary folder and says where; ends with tinygen's own exit code.
set -uf
out=${RUNNER_TEMP:-${TMPDIR:-/tmp}}/tinygen-check
mkdir -p "$out" || exit 2
rm -f "$out/budget.json" "$out/junit.xml" "$out/budget.sarif" "$out/budget.md"

set -- --json="$out/budget.json" --junit="$out/junit.xml" --sarif="$out/budget.sarif" --markdown="$out/budget.md"
for board in ${TINYGEN_BOARD:-}; do
    set -- "$@" --board="$board"
done
[ -z "${TINYGEN_RUNTIME:-}" ] || set -- "$@" --runtime="$TINYGEN_RUNTIME"
[ -z "${TINYGEN_MAX_FLASH:-}" ] || set -- "$@" --max-flash="$TINYGEN_MAX_FLASH"
[ -z "${TINYGEN_MAX_RAM:-}" ] || set -- "$@" --max-ram="$TINYGEN_MAX_RAM"
[ -z "${TINYGEN_DATA:-}" ] || set -- "$@" --data="$TINYGEN_DATA"
[ -z "${TINYGEN_BASELINE:-}" ] || set -- "$@" --baseline="$TINYGEN_BASELINE"
[ -z "${TINYGEN_ALLOW_FLASH:-}" ] || set -- "$@" --allow-flash="$TINYGEN_ALLOW_FLASH"
[ -z "${TINYGEN_ALLOW_RAM:-}" ] || set -- "$@" --allow-ram="$TINYGEN_ALLOW_RAM"
[ -z "${TINYGEN_ALLOW_INSTRUCTIONS:-}" ] || set -- "$@" --allow-instructions="$TINYGEN_ALLOW_INSTRUCTIONS"
[ -z "${TINYGEN_ALLOW_ACCURACY:-}" ] || set -- "$@" --allow-accuracy="$TINYGEN_ALLOW_ACCURACY"

# written NAME FILE: the output NAME is the file's path, empty where bad input left no file.
written() {
    if [ -f "$2" ]; then echo "$1=$2"; else echo "$1="; fi
}

code=0
tinygen check --github "$@" -- "${TINYGEN_PATH:-}" || code=$?
passed=false
[ "$code" != 0 ] || passed=true
{
    echo "passed=$passed"
    echo "exit-code=$code"
    written json "$out/budget.json"
    written junit "$out/junit.xml"
    written sarif "$out/budget.sarif"
    written markdown "$out/budget.md"
} >>"$GITHUB_OUTPUT"
exit "$code"
