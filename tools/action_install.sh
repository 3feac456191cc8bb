#!/bin/sh
# A step of action.yml: installs tinygen from the action's own checkout into an environment of its own and puts that on the PATH of
# the steps after it. Does nothing where a tinygen of the same version is on the PATH already.
set -u
here=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd) || exit 2
version=$(sed -n 's/^__version__ = "\(.*\)"$/\1/p' "$here/tinygen/__init__.py")
if [ -z "$version" ]; then
    echo "$here is no checkout of tinygen." >&2
    exit 2
fi
if [ "$(tinygen --version 2>/dev/null)" = "tinygen $version" ]; then
    echo "tinygen $version is installed already."
    exit 0
fi

extras=${TINYGEN_EXTRAS:-}
case $extras in
*[!a-z,]*)
    echo 'The input extras takes names with commas between them, for example sim,train.' >&2
    exit 2
    ;;
esac
folder=${RUNNER_TEMP:-${TMPDIR:-/tmp}}/tinygen-environment
# In the checkout: the current folder comes first where Python looks for modules.
cd "$here" || exit 2
python=${TINYGEN_PYTHON:-}
[ -n "$python" ] || python=$(sh tools/find_python.sh) || exit 2
"$python" -m venv "$folder" || exit 2
bin=$folder/bin
[ -d "$bin" ] || bin=$folder/Scripts
"$bin/python" -m pip install -q "$here${extras:+[$extras]}" || exit 2
echo "$bin" >>"$GITHUB_PATH"
