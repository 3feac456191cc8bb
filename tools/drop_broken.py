"""Forgets packages of this environment whose files are not all there, so that pip installs them again."""

from __future__ import annotations

import csv
import shutil
import sysconfig
from pathlib import Path


def is_whole(info: Path) -> bool:
    """Whether every file that the package's RECORD lists is there, with its size; pip writes RECORD last."""
    record = info / "RECORD"
    if not record.is_file():
        return False
    for name, _, size in csv.reader(record.read_text("utf-8").splitlines()):
        path = info.parent / name
        if name.endswith(".pyc"):
            continue
        if not path.is_file() or (size and path.stat().st_size != int(size)):
            return False
    return True


def main() -> None:
    """Deletes the .dist-info of every package that is not whole."""
    for info in sorted(Path(sysconfig.get_paths()["purelib"]).glob("*.dist-info")):
        if not is_whole(info):
            print(f"{info.name}: not all of its files are there; it will be installed again.")
            shutil.rmtree(info)


main()
