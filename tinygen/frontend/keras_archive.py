"""Opens .keras and .h5 files as data only: sizes are limited, no path is followed, links out of a file are refused."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..errors import BadInput
from .keras_classes import check_config

_LIMITS = {"config.json": 64 << 20, "metadata.json": 1 << 20, "model.weights.h5": 1 << 30}
_LIMIT_BYTES = 1 << 30


def clean_archive(path: Path, copy: Path) -> str:
    """Checks a .keras file and writes its config and weights, nothing else, to `copy`; returns the Keras version.

    What is loaded later is the copy, so it holds the very bytes that were checked.
    """
    try:
        members = _members(path)
        metadata = json.loads(members["metadata.json"])
        config = json.loads(members["config.json"])
        version = str(metadata["keras_version"])
    except (
        OSError,
        zipfile.BadZipFile,
        NotImplementedError,
        EOFError,
        ValueError,
        KeyError,
        TypeError,
        RecursionError,
    ) as error:
        reason = f"{error} is missing" if isinstance(error, KeyError) else (str(error).splitlines() or ["empty"])[0]
        raise BadInput(f"{path.name}: not a readable .keras file: {reason[:200]}", "Save the model again.") from error
    except zipfile.zlib.error as error:  # type: ignore[attr-defined]
        raise BadInput(f"{path.name}: damaged .keras file: {error}", "Save the model again.") from error
    config = _without_training(config)
    check_config(config, path.name)
    weights = copy.with_suffix(".weights.h5")
    weights.write_bytes(members["model.weights.h5"])
    check_h5(weights, path.name)
    weights.unlink()
    with zipfile.ZipFile(copy, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("metadata.json", members["metadata.json"])
        archive.writestr("config.json", json.dumps(config))
        archive.writestr("model.weights.h5", members["model.weights.h5"])
    return version


def _without_training(node: Any, depth: int = 0) -> Any:
    """The JSON without compile_config: optimizers, losses and metrics are no part of what is deployed."""
    if depth > 200:
        return node  # the check that follows refuses it
    if isinstance(node, dict):
        return {key: _without_training(value, depth + 1) for key, value in node.items() if key != "compile_config"}
    return [_without_training(value, depth + 1) for value in node] if isinstance(node, list) else node


def _members(path: Path) -> dict[str, bytes]:
    members = {}
    with zipfile.ZipFile(path) as archive:
        for name, limit in _LIMITS.items():
            info = archive.getinfo(name) if name in archive.namelist() else None
            if info is None:
                raise KeyError(name)
            with archive.open(info) as file:
                data = file.read(limit + 1)
            if len(data) > limit:
                raise ValueError(f"{name} is larger than {limit} bytes")
            members[name] = data
    return members


def check_h5(path: Path, name: str) -> dict[str, Any]:
    """Walks an HDF5 file without following links out of it; returns the root's attributes as text.

    Raises BadInput where it is damaged, links to other files or claims more than 1 GiB of weights.
    """
    import h5py

    try:
        with h5py.File(path, "r") as file:
            total = sum(_dataset_bytes(file, name))
            attributes = {key: _text(value) for key, value in file.attrs.items() if key != "training_config"}
    except (OSError, RuntimeError, KeyError, ValueError) as error:
        raise BadInput(
            f"{name}: not a readable HDF5 file: {(str(error).splitlines() or ['damaged'])[0]}", "Save it again."
        ) from error
    if total > _LIMIT_BYTES:
        raise BadInput(f"{name}: holds {total} bytes of weights, the limit is {_LIMIT_BYTES}.")
    return attributes


def _dataset_bytes(group: Any, name: str) -> Iterator[int]:
    import h5py

    for key in group:
        link = group.get(key, getlink=True)
        if not isinstance(link, h5py.HardLink):
            raise BadInput(
                f"{name}: {group.name}/{key} is a link out of its place, which is not followed.",
                "Save the model again.",
            )
        child = group[key]
        if isinstance(child, h5py.Group):
            yield from _dataset_bytes(child, name)
        else:
            if child.is_virtual or child.external:
                raise BadInput(
                    f"{name}: {child.name} takes its data from another file, which is not opened.", "Save it again."
                )
            yield int(child.nbytes)


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
