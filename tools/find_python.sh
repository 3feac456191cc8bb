#!/bin/sh
# Prints the first interpreter of Python 3.10 to 3.13 that really runs; exits 2 where there is none.
# A name on PATH proves nothing: pyenv leaves shims for versions that are not switched on.
set -u
for name in python3.13 python3.12 python3.11 python3.10 python3; do
    path=$("$name" -c 'import sys; print(sys.executable if (3, 10) <= sys.version_info[:2] <= (3, 13) else "")' \
        2>/dev/null </dev/null) || continue
    if [ -n "$path" ]; then
        printf '%s\n' "$path"
        exit 0
    fi
done
echo 'No Python of 3.10 to 3.13 was found (python3.13, 3.12, 3.11, 3.10, python3). Install one, for example: sudo apt-get install python3 python3-venv' >&2
exit 2
