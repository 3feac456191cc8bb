"""Writes a rendered project to disk: whole or not at all, and never over what a user edited or added.

1. Everything is rendered in memory first. A folder beside the target is filled, then takes its place by one rename.
2. tinygen owns the files whose SHA-256 equals the one in the old manifest; those it renews or removes.
3. Files that a user edited or added are carried over and named; `force` renders anew and moves them to *.orig.
4. A folder that is not empty and has no manifest is not touched.
5. A killed run leaves the old project or the new one; what it left beside is tidied up by the next.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from .errors import BadInput
from .project import MANIFEST, Manifest, read_manifest

#: Folders of caches: PlatformIO's builds move to the new project as they are, Python's are dropped.
_BUILDS, _CACHES = ".pio", "__pycache__"
_AT_FDCWD = -100
_RENAME_EXCHANGE = 2


@dataclass(frozen=True)
class Written:
    """What was written: the project's folder, the user's files that were kept, and those moved to *.orig."""

    folder: Path
    kept: tuple[str, ...] = ()
    moved: tuple[str, ...] = ()


def sha256(data: bytes) -> str:
    """Hexadecimal SHA-256."""
    return hashlib.sha256(data).hexdigest()


def write_project(files: dict[str, bytes], manifest: Manifest, folder: Path, *, force: bool = False) -> Written:
    """Puts the project's files and its manifest in `folder`; see the rules above. BadInput where it may not."""
    folder = Path(os.path.abspath(folder))
    new, old = _beside(folder, "new"), _beside(folder, "old")
    _tidy(folder, new, old)
    previous = _previous(folder)
    manifest = manifest.model_copy(update={"files": {path: sha256(data) for path, data in sorted(files.items())}})
    users = _users_files(folder, previous) if previous else []
    clashes = [path for path in users if path in files and not _holds(folder / path, sha256(files[path]))]
    try:
        new.mkdir(parents=True)
        for path, data in files.items():
            if path in clashes and not force:
                continue
            target = new / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)
        for path in users:
            if path not in files or (path in clashes and not force):
                _carry(folder / path, new / path)
            elif path in clashes:
                _carry(folder / path, new / f"{path}.orig")
        (new / MANIFEST).write_text(manifest.text(), "utf-8")
        _swap(new, folder, old)
    except OSError as error:
        shutil.rmtree(new, ignore_errors=True)
        raise BadInput(f"{folder}: cannot be written: {error.strerror or error}.") from error
    kept = tuple(path for path in users if path in clashes) if not force else ()
    return Written(folder, kept, tuple(clashes) if force else ())


def write_whole(path: Path, data: bytes) -> None:
    """Writes a file by one rename: whoever looks, or a kill, finds the old one or the new one. Raises OSError.

    What is no plain file (a device, a pipe, a link) is written as it stands.
    """
    if path.is_symlink() or (path.exists() and not path.is_file()):
        path.write_bytes(data)
        return
    beside = _beside(path, "new")
    try:
        beside.write_bytes(data)
        os.replace(beside, path)
    except OSError:
        beside.unlink(missing_ok=True)
        raise


def edited_files(folder: Path, manifest: Manifest) -> list[str]:
    """The rendered files that are no longer as tinygen wrote them, or are gone."""
    changed = []
    for path, digest in manifest.files.items():
        if not _holds(folder / path, digest):
            changed.append(path)
    return changed


def _holds(file: Path, digest: str) -> bool:
    """Whether it is a file of that content; a pipe or a device is not even opened."""
    try:
        return file.is_file() and sha256(file.read_bytes()) == digest
    except OSError:
        return False


def _beside(folder: Path, role: str) -> Path:
    return folder.parent / f".{folder.name}.tinygen-{role}"


def _tidy(folder: Path, new: Path, old: Path) -> None:
    """Undoes what a killed run left: a half-filled new folder, or an old one that lost its place."""
    if old.exists() and not folder.exists():
        os.rename(old, folder)
    shutil.rmtree(old, ignore_errors=True)
    shutil.rmtree(new, ignore_errors=True)


def _previous(folder: Path) -> Manifest | None:
    if not folder.exists():
        return None
    if not folder.is_dir():
        raise BadInput(f"{folder}: is a file.", "Name a folder with -o.")
    if not any(folder.iterdir()):
        return None
    if not (folder / MANIFEST).is_file():
        raise BadInput(f"{folder}: is not empty and was not made by tinygen; it is left alone.", "Name another folder.")
    return read_manifest(folder)


def _users_files(folder: Path, manifest: Manifest) -> list[str]:
    """Paths of the files below `folder` that are the user's: not in the manifest, or not as it says."""
    found = []
    for directory, below, names in os.walk(folder):
        below[:] = [name for name in below if name not in (_BUILDS, _CACHES)]
        for name in (*names, *(folder for folder in below if (Path(directory) / folder).is_symlink())):
            file = Path(directory) / name
            path = file.relative_to(folder).as_posix()
            if path == MANIFEST:
                continue
            digest = manifest.files.get(path)
            if file.is_symlink() or digest is None or not _holds(file, digest):
                found.append(path)
    return sorted(found)


def _carry(source: Path, target: Path) -> None:
    """The user's file in the new folder: the same file where the disk can link it, else a copy."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_symlink():
        free = target if not target.exists() else target.with_name(f"{target.name}.orig")
        os.symlink(os.readlink(source), free)
        return
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def _swap(new: Path, folder: Path, old: Path) -> None:
    """`new` takes the place of `folder`: in one step where the system can exchange names, else in two renames."""
    if not folder.exists():
        os.rename(new, folder)
        return
    if (folder / _BUILDS).is_dir():
        os.rename(folder / _BUILDS, new / _BUILDS)
    if _exchange(new, folder):
        os.rename(new, old)
    else:
        os.rename(folder, old)
        os.rename(new, folder)
    shutil.rmtree(old, ignore_errors=True)


def _exchange(a: Path, b: Path) -> bool:
    try:
        renameat2 = ctypes.CDLL(None, use_errno=True).renameat2
    except (OSError, AttributeError):
        return False
    done = renameat2(_AT_FDCWD, os.fsencode(a), _AT_FDCWD, os.fsencode(b), _RENAME_EXCHANGE)
    return int(done) == 0
