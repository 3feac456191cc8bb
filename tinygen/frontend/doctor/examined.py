"""What the worker leaves for the doctor beside the int8 model: samples, float layers, and its own findings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ...finding import Finding
from .float_layers import float_layers, some_of

Array = npt.NDArray[Any]
_SAMPLES, _LAYERS = "samples.npy", "layers.npz"


@dataclass(frozen=True)
class Examined:
    """`samples` are model inputs, float32 or int32, [n, *shape]; `layers` the float values by tensor name.

    `reason` says why `layers` is empty; `found` is what was seen in the live model.
    """

    samples: Array
    layers: dict[str, Array]
    reason: str
    found: tuple[Finding, ...]


def examine(folder: Path, call: Callable[[Any], Any], owner: Any, input_shape: tuple[int, ...], samples: Array) -> None:
    """Runs in the worker: the float layers' values on some samples, written into `folder`."""
    folder.mkdir()
    chosen, reason, layers = some_of(samples), "", dict[str, Array]()
    try:
        chosen, layers = float_layers(call, owner, input_shape, chosen)
    except Exception as error:  # what only measures must not stop what converts
        reason = f"{type(error).__name__}: {(str(error).strip() or 'no message').splitlines()[0][:200]}"
    np.save(folder / _SAMPLES, chosen)
    names = list(layers)
    (folder / "names.txt").write_text("\n".join([reason, *names]), encoding="utf-8")
    np.savez(folder / _LAYERS, **{f"v{i}": layers[name] for i, name in enumerate(names)})  # type: ignore[arg-type]


def read_examined(folder: Path, found: Sequence[dict[str, Any]]) -> Examined:
    """The same in the parent."""
    reason, *names = (folder / "names.txt").read_text("utf-8").split("\n")
    with np.load(folder / _LAYERS, allow_pickle=False) as archive:
        layers = {name: archive[f"v{i}"] for i, name in enumerate(names)}
    samples = np.load(folder / _SAMPLES, allow_pickle=False)
    return Examined(samples, layers, reason, tuple(Finding(**finding) for finding in found))
