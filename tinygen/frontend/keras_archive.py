"""Opens .keras and .h5 files as data only: sizes are limited, no path is followed, links out of a file are refused."""

from __future__ import annotations

import json
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..archives import open_archive, open_member
from ..errors import BadInput, TinygenError
from .keras_classes import check_config

_WEIGHTS = "model.weights.h5"
_LIMITS = {"config.json": 8 << 20, "metadata.json": 1 << 20}
#: Weights in memory; beyond SMALL bytes no more than MOST_TIMES what the file has: trained weights hardly compress.
_LIMIT_BYTES, _SMALL_BYTES, _MOST_TIMES = 1 << 30, 1 << 26, 100
_MAX_OBJECTS, _MAX_DEPTH = 100_000, 50
_CHUNK = 1 << 20


def clean_archive(path: Path, copy: Path) -> str:
    """Checks a .keras file and writes its config and weights, nothing else, to `copy`; returns the Keras version.

    What is loaded later is the copy, so it holds the very bytes that were checked.
    """
    weights = copy.with_suffix(".weights.h5")
    try:
        texts = _unpack(path, weights)
        metadata, config = json.loads(texts["metadata.json"]), json.loads(texts["config.json"])
        version = str(metadata["keras_version"])
        config = _without_training(config)
        check_config(config, path.name)
        check_h5(weights, path.name)
        with zipfile.ZipFile(copy, "w", zipfile.ZIP_STORED) as archive:
            archive.writestr("metadata.json", texts["metadata.json"])
            archive.writestr("config.json", json.dumps(config))
            archive.write(weights, _WEIGHTS)
    except (OSError, EOFError, ValueError, LookupError, TypeError, RecursionError, zipfile.BadZipFile) as error:
        raise BadInput(f"{path.name}: not a readable .keras file: {_reason(error)}", "Save the model again.") from error
    except zlib.error as error:
        raise BadInput(f"{path.name}: damaged .keras file: {error}", "Save the model again.") from error
    finally:
        weights.unlink(missing_ok=True)
    return version


def _reason(error: Exception) -> str:
    return f"{error} is missing" if isinstance(error, KeyError) else (str(error).splitlines() or ["empty"])[0][:200]


def _without_training(node: Any, depth: int = 0) -> Any:
    """The JSON without compile_config: optimizers, losses and metrics are no part of what is deployed."""
    if depth > 200:
        return node  # the check that follows refuses it
    if isinstance(node, dict):
        return {key: _without_training(value, depth + 1) for key, value in node.items() if key != "compile_config"}
    return [_without_training(value, depth + 1) for value in node] if isinstance(node, list) else node


def _unpack(path: Path, weights: Path) -> dict[str, bytes]:
    """The texts of the archive; its weights go to the file `weights`, a chunk at a time."""
    with open_archive(path) as archive:
        texts = {}
        for name, limit in _LIMITS.items():
            with open_member(archive, _member(archive, name)) as stream:
                texts[name] = stream.read(limit + 1)
            if len(texts[name]) > limit:
                raise ValueError(f"{name} is larger than {limit} bytes")
        member = _member(archive, _WEIGHTS)
        _check_size(member.file_size, member.compress_size, _WEIGHTS)
        with open_member(archive, member) as stream, weights.open("wb") as out:
            while chunk := stream.read(_CHUNK):
                out.write(chunk)
    return texts


def _member(archive: zipfile.ZipFile, name: str) -> zipfile.ZipInfo:
    found = [member for member in archive.infolist() if member.filename == name]
    if len(found) != 1:
        raise ValueError(f"{name} is {'there twice' if found else 'missing'}")
    return found[0]


def _check_size(unpacked: int, stored: int, what: str) -> None:
    if unpacked > _LIMIT_BYTES:
        raise ValueError(f"{what} holds {unpacked} bytes of weights, the limit is {_LIMIT_BYTES}")
    if unpacked > _SMALL_BYTES and unpacked > _MOST_TIMES * stored:
        raise ValueError(f"{what} unpacks {stored} bytes to {unpacked}, the limit is {_MOST_TIMES} times")


def check_h5(path: Path, name: str) -> dict[str, Any]:
    """Walks an HDF5 file without following links out of it; returns the root's attributes as text.

    Raises BadInput where it is damaged, links to other files or claims more than 1 GiB of weights.
    """
    import h5py

    try:
        with h5py.File(path, "r") as file:
            total = sum(_dataset_bytes(file, name))
            attributes = {key: _text(value) for key, value in file.attrs.items() if key != "training_config"}
        _check_size(total, path.stat().st_size, name)
    except TinygenError:
        raise
    except Exception as error:  # whatever the library makes of a damaged file
        raise BadInput(f"{name}: not a readable HDF5 file: {_reason(error)}", "Save it again.") from error
    return attributes


def _dataset_bytes(file: Any, name: str) -> Iterator[int]:
    """Bytes of every dataset; links lead nowhere else and to no place twice, so that walking them ends."""
    import h5py

    todo, seen = [(file, 0)], 0
    places: set[Any] = set()
    while todo:
        group, depth = todo.pop()
        for key in group:
            seen += 1
            if not isinstance(group.get(key, getlink=True), h5py.HardLink):
                what = "is a link out of its place, which is not followed"
                raise BadInput(f"{name}: {group.name}/{key[:80]} {what}.", "Save the model again.")
            child = group[key]
            place = h5py.h5o.get_info(child.id).addr
            if place in places or depth > _MAX_DEPTH or seen > _MAX_OBJECTS:
                raise BadInput(f"{name}: {child.name[:80]} lies in a maze of groups.", "Save the model again.")
            places.add(place)
            if isinstance(child, h5py.Group):
                todo.append((child, depth + 1))
            else:
                yield _checked_bytes(child, name)


def _checked_bytes(dataset: Any, name: str) -> int:
    """Bytes in memory of a dataset of numbers that lies in this very file."""
    import h5py

    where = f"{name}: {dataset.name[:80]}"
    if not isinstance(dataset, h5py.Dataset) or dataset.dtype.kind not in "biuf":
        raise BadInput(f"{where} is no array of numbers.", "Save the model again.")
    if dataset.is_virtual or dataset.external:
        raise BadInput(f"{where} takes its data from another file, which is not opened.", "Save it again.")
    return int(dataset.nbytes or 0) if dataset.shape is not None else 0


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def check_model_h5(path: Path, name: str) -> str:
    """Checks a whole-model .h5 and returns the version of Keras that wrote it."""
    attributes = check_h5(path, name)
    if "model_config" not in attributes:
        raise BadInput(f"{name}: holds weights but no model.", "Save the whole model: model.save('model.keras').")
    try:
        config = json.loads(attributes["model_config"])
    except (ValueError, RecursionError) as error:
        raise BadInput(f"{name}: its model_config is not JSON.", "Save the model again.") from error
    check_config(config, name)
    return str(attributes.get("keras_version", "2"))
