"""The manifest of a rendered project: what tinygen made there, from what, and the SHA-256 of every file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from .errors import BadInput

MANIFEST = "tinygen.json"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class TensorRecord(_Strict):
    """An input or output of the model: real = scale * (q - zero_point)."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    bytes: int
    scale: float | None
    zero_point: int | None


class LayerRecord(_Strict):
    """One layer in execution order; TG_ON_LAYER is called with `index` for those that run code.

    `tensors` are the outputs' indices in the .tflite's tensor list (the reference keeps them under the same index);
    -1 where the file has no such tensor, because a pass made the layer.
    """

    index: int
    name: str
    op: str
    kernel: str
    tensors: tuple[int, ...]
    output_shape: tuple[int, ...]
    output_bytes: int
    arena_offset: int | None
    macs: int
    weights_bytes: int


class ModelRecord(_Strict):
    """The model that the firmware was rendered from."""

    name: str
    version: str
    file: str
    sha256: str
    labels: tuple[str, ...] = ()
    inputs: tuple[TensorRecord, ...]
    outputs: tuple[TensorRecord, ...]


class PlanRecord(_Strict):
    """What was planned before any compiler ran."""

    arena_bytes: int
    arena_lower_bound_bytes: int
    state_bytes: int
    weights_bytes: int
    layers: tuple[LayerRecord, ...]


class Preprocess(_Strict):
    """What `<model>_quantize` does to a real input before the model's own scale: (x - mean) / std, per last axis."""

    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()


class Manifest(_Strict):
    """tinygen.json in the root of every rendered project. The board's profile is copied to board.toml beside it.

    `checked` is a debug build with guard zones.
    """

    schema_: Literal["tinygen.project/1"] = Field(default="tinygen.project/1", alias="schema")
    tinygen: str
    runtime: Literal["aot", "tflm", "micropython"]
    board: str
    optimize: Literal["speed", "balanced", "size"] = "balanced"
    toolchain: Literal["gcc", "zig"] | None = None
    checked: bool = False
    model: ModelRecord
    plan: PlanRecord
    preprocess: Preprocess | None = None
    files: dict[str, str]

    def text(self) -> str:
        """The manifest as it stands on disk."""
        return json.dumps(self.model_dump(mode="json", by_alias=True), indent=1, ensure_ascii=True) + "\n"


def read_manifest(project: Path) -> Manifest:
    """The manifest of a rendered project; BadInput where the folder is not one."""
    path = project / MANIFEST
    if not path.is_file():
        raise BadInput(f"{project}: not a tinygen project (no {MANIFEST}).", "`tinygen generate` makes one.")
    try:
        raw: Any = json.loads(path.read_text("utf-8"))
        return Manifest.model_validate(raw)
    except RecursionError as error:
        raise BadInput(
            f"{path}: damaged manifest: nested too deeply.", "`tinygen generate` renders it anew."
        ) from error
    except (ValueError, ValidationError) as error:
        first = str(error).splitlines()[0]
        raise BadInput(f"{path}: damaged manifest: {first}", "`tinygen generate` renders it anew.") from error
