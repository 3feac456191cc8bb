"""The user's data: .npz or .npy arrays, checked when read, and the seeded choice of representative samples."""

from __future__ import annotations

import math
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt
from numpy.lib import format as _npy

from .archives import open_archive, open_member
from .errors import BadInput, suggest

Array = npt.NDArray[Any]
#: Its functions have no types in some releases of numpy.
npy: Any = _npy
KEYS = ("x_train", "y_train", "x_val", "y_val", "x_test", "y_test")
#: The most that is unpacked; beyond _SMALL_BYTES no more than _MOST_TIMES what is stored.
_LIMIT_BYTES, _SMALL_BYTES, _MOST_TIMES = 8 << 30, 1 << 29, 50


@dataclass(frozen=True)
class DataSet:
    """Arrays of one file: x as the firmware will see it (before preprocessing), y a class index or a float target."""

    path: str
    arrays: dict[str, Array] = field(repr=False)

    def pair(self, split: str) -> tuple[Array, Array] | None:
        """x and y of "train", "val" or "test"; None where either is absent."""
        x, y = self.arrays.get(f"x_{split}"), self.arrays.get(f"y_{split}")
        return None if x is None or y is None else (x, y)

    @property
    def held_out(self) -> tuple[str, Array, Array] | None:
        """What accuracy is measured on: the test split, else the validation split."""
        for split in ("test", "val"):
            if (pair := self.pair(split)) is not None:
                return split, *pair
        return None

    @property
    def representative_source(self) -> tuple[str, Array]:
        """The samples that quantization is calibrated on: training data where there is some."""
        for key in ("x_train", "x_val", "x_test"):
            if key in self.arrays:
                return key, self.arrays[key]
        raise BadInput(f"{self.path}: no samples.", f"It needs an array named {KEYS[0]}.")

    def representative(self, samples: int, seed: int) -> Array:
        """`samples` real samples (all, where there are fewer), chosen without repetition by `seed`, in file order."""
        if samples < 1:
            raise BadInput(f"{samples} representative samples asked for.", "At least 1 is needed; 100 to 500 is usual.")
        _, x = self.representative_source
        if len(x) <= samples:
            return x
        return np.asarray(x[np.sort(np.random.default_rng(seed).choice(len(x), samples, replace=False))])


def load_data(path: str | Path) -> DataSet:
    """Reads .npz (arrays named as in KEYS; `x` alone means x_train) or .npy (x_train). Never unpickles.

    Raises BadInput for a missing or damaged file, unknown names, empty, non-numeric, NaN or unequal arrays.
    """
    path = Path(path)
    if not path.is_file():
        raise BadInput(
            f"{path}: no such data file.", "Data is an .npz with x_train, y_train, x_val, y_val, x_test, y_test."
        )
    try:
        arrays = _read(path)
    except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile, zlib.error, MemoryError) as error:
        first = (str(error).splitlines() or ["damaged"])[0]
        raise BadInput(
            f"{path}: not a readable .npz or .npy file: {first}.", "numpy.savez(path, x_train=…, y_train=…) writes one."
        ) from error
    if not any(name.startswith("x_") for name in arrays):
        raise BadInput(f"{path}: no samples.", "It needs an array named x_train.")
    checked = {name: _checked(path, name, arrays[name]) for name in KEYS if name in arrays}
    for split in ("train", "val", "test"):
        x, y = checked.get(f"x_{split}"), checked.get(f"y_{split}")
        if x is not None and y is not None and len(x) != len(y):
            raise BadInput(f"{path}: x_{split} has {len(x)} samples, y_{split} has {len(y)}.", "One y for each x.")
    shapes = {name: array.shape[1:] for name, array in checked.items()}
    for kind in "xy":
        named = {name: shape for name, shape in shapes.items() if name.startswith(kind)}
        if len(set(named.values())) > 1:
            told = ", ".join(f"{name} {list(shape)}" for name, shape in named.items())
            raise BadInput(f"{path}: samples differ in shape: {told}.", "All splits have the same shape.")
    return DataSet(str(path), checked)


def _checked(path: Path, name: str, array: Array) -> Array:
    if array.dtype.kind not in "biuf":
        raise BadInput(f"{path}: {name} holds {array.dtype}, not numbers.", "Use float32 or an integer type.")
    if array.ndim < 1 or array.size == 0:
        raise BadInput(f"{path}: {name} is empty (shape {list(array.shape)}).")
    if array.dtype.kind == "f":
        with np.errstate(over="ignore"):
            array = array.astype(np.float32, copy=False)
        bad = np.flatnonzero(~np.isfinite(array.reshape(len(array), -1)).all(axis=1))
        if bad.size:
            raise BadInput(
                f"{path}: {name} has NaN or infinite values in {bad.size} samples, first in sample {bad[0]}.",
                "Remove those samples or fill the gaps.",
            )
    if name.startswith("x_"):
        return array.astype(np.float32, copy=False)
    if array.ndim == 2 and array.shape[1] == 1 and array.dtype.kind in "biu":
        array = array[:, 0]  # class indices stored as a column
    return array


def _read(path: Path) -> dict[str, Array]:
    with path.open("rb") as file:
        magic = file.read(6)
    if magic == b"\x93NUMPY":
        with path.open("rb") as file:
            _check_size(_declared(file, path.stat().st_size), path)
        return {"x_train": np.load(path, allow_pickle=False)}
    with open_archive(path) as archive:
        members = {_name(path, member.filename): member for member in archive.infolist()}
        sizes = []
        for member in members.values():
            with open_member(archive, member) as stream:
                sizes.append(_declared(stream, member.file_size))
        _check_size(sum(sizes), path)
        arrays = {}
        for name, member in members.items():
            with open_member(archive, member) as stream:
                arrays[name] = np.asarray(npy.read_array(stream, allow_pickle=False))
        return arrays


def _name(path: Path, filename: str) -> str:
    name = {"x": "x_train", "y": "y_train"}.get(stem := filename.removesuffix(".npy"), stem)
    if name not in KEYS:
        raise BadInput(
            f"{path}: unknown array {name[:80]!r}.", suggest(name[:80], KEYS) or f"The names are {', '.join(KEYS)}."
        )
    return name


def _declared(stream: IO[bytes], room: int) -> int:
    """Bytes in memory, as float32, of the array that a .npy of `room` bytes says it has; the header alone is read."""
    try:
        version = npy.read_magic(stream)
        read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
        shape, _, dtype = read(stream)
    except (OSError, zipfile.BadZipFile, zlib.error):
        raise
    except Exception as error:  # the header is Python's syntax, whose parser has errors of its own
        raise ValueError("an array's header is damaged") from error
    count = math.prod(shape)
    if not dtype.hasobject and (min(shape, default=1) < 0 or count * dtype.itemsize > room):
        raise ValueError(f"an array of shape {list(shape)} in {room} bytes")
    return int(count * max(4, dtype.itemsize))


def _check_size(needed: int, path: Path) -> None:
    """Refuses what unpacks to far more than honest data does."""
    stored = path.stat().st_size
    if needed > _LIMIT_BYTES or (needed > _SMALL_BYTES and needed > _MOST_TIMES * stored):
        raise ValueError(f"{stored} bytes unpack to {needed}, the limit is {_LIMIT_BYTES} and {_MOST_TIMES} times")


def fit_shape(x: Array, input_shape: Sequence[int], where: str) -> Array:
    """`x` as [n, *input_shape[1:]]: a missing channel axis of 1 is added, any other difference is BadInput."""
    wanted = tuple(input_shape[1:])
    if x.shape[1:] == wanted:
        return x
    if (*x.shape[1:], 1) == wanted or x.shape[1:] == (*wanted, 1):
        return x.reshape(len(x), *wanted)
    raise BadInput(
        f"{where}: samples have the shape {list(x.shape[1:])}, the model wants {list(wanted)}.",
        "Reshape the data to the model's input.",
    )
