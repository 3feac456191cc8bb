"""Finds the backbones in this folder, and builds models of them: a module that defines `AXES` and `features` is one.

`features(x, width, depth, kernel)` gives the tensor that the last Dense layer reads; `AXES` are the numbers of axes of
an input that it takes, () for any; `SAME_SHAPE` says that the model's output has its input's shape.
"""

from __future__ import annotations

import importlib
import math
import pkgutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from ..errors import BadInput, suggest

#: More blocks or larger kernels than that are slips of the pen.
_MOST_BLOCKS, _LARGEST_KERNEL = 64, 31
_AXES = {2: "[steps, channels]", 3: "[height, width, channels]"}


@dataclass(frozen=True)
class Backbone:
    """One backbone: its name, what its file says of it, the numbers of axes of an input that it takes, its function.

    `details` name the paper, what width 1 is and what depth counts.
    """

    name: str
    summary: str
    details: str
    axes: tuple[int, ...]
    same_shape: bool
    features: Callable[[Any, float, int | None, int], Any]

    def takes(self, input_shape: Sequence[int]) -> bool:
        """Whether an input of this shape, without the batch, has the axes that it wants."""
        return len(input_shape) in (self.axes or (len(input_shape),)) and len(input_shape) > 0


@cache
def backbones() -> dict[str, Backbone]:
    """All backbones by name, sorted."""
    found = {}
    package = importlib.import_module(__package__ or "tinygen.backbones")
    for name in sorted(m.name for m in pkgutil.iter_modules(package.__path__) if not m.name.startswith("_")):
        if name == "registry":
            continue
        code = importlib.import_module(f"{package.__name__}.{name}")
        summary, _, details = (" ".join(part.split()) for part in (code.__doc__ or "").strip().partition("\n"))
        found[name] = Backbone(name, summary, details, code.AXES, getattr(code, "SAME_SHAPE", False), code.features)
    return found


def backbone_names() -> list[str]:
    """The backbones' names, sorted."""
    return list(backbones())


def backbone(name: str) -> Backbone:
    """One backbone; BadInput with a suggestion for an unknown name."""
    if name not in backbones():
        raise BadInput(
            f"Unknown backbone {name!r}.", suggest(name, backbones()) or f"There are {', '.join(backbones())}."
        )
    return backbones()[name]


def build_backbone(
    name: str,
    input_shape: tuple[int, ...],
    outputs: int,
    *,
    width: float = 1.0,
    depth: int | None = None,
    kernel: int = 3,
    activation: str | None = "softmax",
    leading: Sequence[Any] = (),
) -> Any:
    """An untrained tf_keras model that takes `input_shape` (without the batch) and gives `outputs` values.

    `width` multiplies the channels of every layer (at least 1 is left), `depth` is the number of blocks as the
    backbone's file counts them (None: its own), `kernel` its convolutions' size. Strides and pools leave at least two
    places of an axis. `leading` are layers that come first, Rescaling or Normalization. The auto-encoder gives back its
    input's shape, with no softmax. BadInput for a shape that the backbone does not take.
    """
    import tf_keras

    found = backbone(name)
    shape = tuple(int(d) for d in input_shape)
    _check(found, shape, outputs, width, depth, kernel)
    inputs = x = tf_keras.Input(shape)
    for layer in leading:
        x = layer(x)
    x = found.features(x, width, depth, kernel)
    if found.same_shape and activation == "softmax":
        activation = None
    x = tf_keras.layers.Dense(outputs, activation=activation, name="output")(x)
    if found.same_shape and len(shape) > 1:
        x = tf_keras.layers.Reshape(shape)(x)
    return tf_keras.Model(inputs, x, name=name)


def _check(found: Backbone, shape: tuple[int, ...], outputs: int, width: float, depth: int | None, kernel: int) -> None:
    if not found.takes(shape):
        wanted = " or ".join(_AXES[n] for n in found.axes) or "one axis or more"
        raise BadInput(
            f"{found.name}: takes an input of {wanted}, not {list(shape)}.",
            f"These take it: {', '.join(b.name for b in backbones().values() if b.takes(shape)) or 'none'}.",
        )
    if min(shape) < 1 or outputs < 1:
        raise BadInput(f"{found.name}: an input of {list(shape)} and {outputs} outputs are no sizes.", "1 or more.")
    if found.same_shape and outputs != math.prod(shape):
        raise BadInput(
            f"{found.name}: gives back its input of {list(shape)}, and {outputs} outputs are asked for.",
            f"{math.prod(shape)} outputs.",
        )
    if not 0 < width <= 64:
        raise BadInput(f"{found.name}: width {width:g} is no multiplier of its channels.", "Above 0, at most 64.")
    if depth is not None and not 1 <= depth <= _MOST_BLOCKS:
        raise BadInput(f"{found.name}: depth {depth} is no number of blocks.", f"1 to {_MOST_BLOCKS}.")
    if not 1 <= kernel <= _LARGEST_KERNEL:
        raise BadInput(f"{found.name}: kernel {kernel} is no size of a convolution.", f"1 to {_LARGEST_KERNEL}.")
