"""A rendered MicroPython project: what is copied to the board, and what tells how."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..backends.templating import float_bytes, render
from ..boards import BoardProfile
from ..compiled import Compiled
from ..errors import BadInput
from ..project import Manifest, TensorRecord
from ..resources import data_dir
from .budget import board_notes
from .bundle import Bundle, bundle_of, viper_of
from .heap import STORAGES, TOLD
from .usermod import usermod_files

#: struct's type of a tensor's elements.
_STRUCT = {"int8": "b", "uint8": "B", "bool": "B", "int16": "h", "int32": "i", "int64": "q", "float32": "f"}


def micropython_files(compiled: Compiled, manifest: Manifest, made: Bundle) -> dict[str, str | bytes]:
    """The project's own files by path; the manifest, board.toml and the model's file come from the pipeline."""
    name = manifest.model.name
    others, notes = _other_forms(compiled)
    context = _context(compiled.board, manifest, made, notes)
    return {
        **others,
        module_path(name): made.mpy,
        f"device/{name}.py": render("micropython/helper.py.j2", **context),
        "device/main.py": render("micropython/main.py.j2", **context),
        "README.md": render("micropython/README.md.j2", **context),
        "LICENSE": (data_dir("firmware") / "LICENSE").read_text("utf-8"),
        ".gitignore": "build/\n",
    }


def module_path(name: str) -> str:
    """Where a project has its module."""
    return f"device/_{name}.mpy"


def viper_path(name: str) -> str:
    """Where a project has its module as MicroPython source."""
    return f"viper/_{name}.py"


def existing_bundle(compiled: Compiled, files: Mapping[str, bytes]) -> Bundle:
    """The bundle that a project's files are."""
    name = compiled.model.name
    return bundle_of(compiled, files[module_path(name)], helper_bytes=len(files[f"device/{name}.py"]))


def read_device(project: Path, name: str) -> dict[str, bytes]:
    """`device/`'s two files of the model by path; BadInput where one is not there."""
    return {path: _read(project / path) for path in (module_path(name), f"device/{name}.py")}


def read_module(project: Path, manifest: Manifest) -> bytes:
    """`device/_<name>.mpy` of a rendered project; BadInput where it is not there."""
    return _read(project / module_path(manifest.model.name))


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise BadInput(f"{path}: cannot be read: {error.strerror}.", "`tinygen generate` renders it anew.") from None


def _other_forms(compiled: Compiled) -> tuple[dict[str, str | bytes], tuple[str, ...]]:
    """The files of the viper source and of the user C module, and what a reader must know."""
    name = compiled.model.name
    files: dict[str, str | bytes] = {}
    files |= usermod_files(compiled.graph, compiled.layers, compiled.plan, compiled.model.info)
    try:
        files[viper_path(name)] = viper_of(compiled).text
    except BadInput as error:
        return files, (f"There is no viper form: {error.what}",)
    return files, ()


def _context(board: BoardProfile, manifest: Manifest, made: Bundle, notes: tuple[str, ...]) -> dict[str, Any]:
    model, given = manifest.model, manifest.preprocess
    mean, std = (tuple(values) for values in (given.mean, given.std)) if given else ((), ())
    channels = max(len(mean), len(std))
    return {
        "tinygen": manifest.tinygen,
        "model": model.name,
        "title": board.title,
        "version": model.version,
        "sha256": model.sha256,
        "labels": model.labels,
        "inputs": [_end(record) for record in model.inputs],
        "outputs": [_end(record) for record in model.outputs],
        "mean": _spread(mean, channels, 0.0),
        "std": _spread(std, channels, 1.0),
        "quantizes": any(record.scale is not None for record in model.inputs),
        "has_state": manifest.plan.state_bytes > 0,
        "arena_bytes": made.arena_bytes,
        "input_bytes": made.input_bytes,
        "output_bytes": made.output_bytes,
        "form": f"{made.form} code for {made.architecture}, compiled by {made.compiler}",
        "has_viper": not notes,
        "notes": (*notes, *board_notes(board)),
        "heap": [(TOLD[storage], made.heap.total(storage)) for storage in STORAGES],
    }


def _spread(values: tuple[float, ...], channels: int, neutral: float) -> tuple[float, ...]:
    """One value a channel."""
    return values if len(values) == channels else (values or (neutral,)) * channels


def _end(record: TensorRecord) -> dict[str, Any]:
    """An input or output as the helper has it."""
    real = record.dtype == "float32"
    low, high = (0, 1) if record.dtype == "bool" else (None, None)
    if low is None and not real:
        limits = np.iinfo(record.dtype)
        low, high = int(limits.min), int(limits.max)
    shape = ",".join(map(str, record.shape))
    return {
        "type": _STRUCT[record.dtype],
        "count": math.prod(record.shape),
        "scale": float_bytes((1.0 if record.scale is None else record.scale,)),
        "zero_point": record.zero_point or 0,
        "low": low,
        "high": high,
        "about": f"{record.dtype} [{shape}]",
    }
