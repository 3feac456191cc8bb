"""A model on disk, checked and brought into one form: the loader gives it, compression and quantization take it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class LoadedModel:
    """A model that was checked and brought into one form.

    `kind` "keras": `path` is an .h5 that tf_keras opens. `kind` "graph": `path` is the SavedModel itself, which carries
    no Keras metadata and can be quantized but not compressed.
    """

    source: str
    path: str
    kind: Literal["keras", "graph"]
    name: str
    input_shape: tuple[int, ...]
    output_shape: tuple[int, ...]
    parameters: int
    findings: tuple[str, ...] = ()
