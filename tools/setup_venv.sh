#!/bin/sh
# setup_venv.sh EXTRAS SIZE: makes .venv with tinygen[EXTRAS] in the current folder, or does nothing where it is there already.
# A stamp holds the hash of pyproject.toml and the folder's path; it is written last, so that an unfinished install is finished.
set -u
extras=$1
size=$2
tools=$(dirname "$0")
venv_python=.venv/bin/python

works() { "$venv_python" -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 13))' >/dev/null 2>&1; }
# A moved checkout has scripts that point to the old place.
has_pip() { works && "$venv_python" -m pip --version >/dev/null 2>&1 && grep -qF "$(pwd -P)/$venv_python" .venv/bin/pip; }
make_venv() { rm -rf .venv && mkdir .venv && : >.venv/tinygen-made && "$1" -m venv .venv; }
key() { "$venv_python" -c 'import hashlib, os; print(hashlib.sha256(open("pyproject.toml", "rb").read()).hexdigest(), os.getcwd())'; }

if works; then
    for done in "$extras" dev; do
        stamp=.venv/tinygen-$done.stamp
        if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$(key)" ]; then
            exit 0
        fi
    done
fi

if ! has_pip; then
    if [ -e .venv ] && [ ! -f .venv/tinygen-made ]; then
        echo 'The folder .venv is not of this Makefile'\''s making and has no pip that works. Rename or remove it, then try again.' >&2
        exit 2
    fi
    python=$(sh "$tools/find_python.sh") || exit 2
    echo "Making .venv with $python"
    if ! make_venv "$python" >/dev/null 2>&1 || ! has_pip; then
        package=$("$python" -c 'import sys; print("python%d.%d-venv|python3-venv" % sys.version_info[:2])')
        case $python in
        /usr/bin/* | /bin/*) ;;
        *)
            echo "$python cannot make a virtual environment (its ensurepip does not work). Install it with ensurepip, or put another Python first on PATH." >&2
            exit 2
            ;;
        esac
        echo "$python cannot make a virtual environment yet: python3-venv is missing."
        sh "$tools/apt.sh" "$package" || exit 2
        if ! make_venv "$python" || ! has_pip; then
            echo "$python still cannot make a virtual environment. See what this says: $python -m venv .venv" >&2
            exit 2
        fi
    fi
fi

echo "Installing tinygen[$extras]: $size. Later runs need nothing more."
"$venv_python" "$tools/drop_broken.py" || exit 2
quiet=
[ -t 1 ] || quiet=-q
# The user's pip settings hold, but a user-wide install is not possible inside a virtual environment.
if ! PIP_USER=0 "$venv_python" -m pip install $quiet -e ".[$extras]" </dev/null; then
    echo "pip could not install tinygen[$extras] (its message is above). Run the same command again to go on." >&2
    exit 2
fi
key >".venv/tinygen-$extras.stamp"
