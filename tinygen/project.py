"""The manifest of a rendered project: what tinygen made there, from what, and the SHA-256 of every file."""

from __future__ import annotations

import json
import math
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from .errors import BadInput
from .graph.ir import END_TYPES, ITEM_BYTES

MANIFEST = "tinygen.json"
#: A manifest has a few hundred bytes a layer and a hundred a file.
MAX_BYTES = 1 << 24
_MAX_TENSOR_BYTES = 1 << 28
_AGAIN = "`tinygen generate` renders it anew."


def _inside(path: str) -> str:
    parts = PurePosixPath(path).parts
    if not parts or parts[0] == "/" or ".." in parts or not path.isprintable() or "\\" in path:
        raise ValueError(f"{path[:80]!r} is not a path inside the project")
    return path


#: The path of a file from the project's root; it never leaves the project.
ProjectPath = Annotated[str, AfterValidator(_inside)]
#: A C identifier: it is part of paths, of the compiler's arguments and of C.
Identifier = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,63}$")]
Finite = Annotated[float, Field(allow_inf_nan=False)]
#: Who builds a rendered project: the same library in lib/, the same application, other files around them; a
#: MicroPython project is copied to the board as it is.
Kind = Literal["platformio", "espidf", "arduino", "cmake", "micropython"]
#: Those that hold firmware; a MicroPython project has no other kind.
KINDS: tuple[Kind, ...] = tuple(kind for kind in get_args(Kind) if kind != "micropython")
#: Which runtime a project is rendered for.
Runtime = Literal["aot", "tflm", "micropython"]
RUNTIMES: tuple[Runtime, ...] = get_args(Runtime)


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class TensorRecord(_Strict):
    """An input or output of the model: real = scale * (q - zero_point)."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    bytes: int
    scale: Finite | None
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

    name: Identifier
    version: str
    file: ProjectPath
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

    mean: tuple[Finite, ...] = ()
    std: tuple[Finite, ...] = ()


class AppRecord(_Strict):
    """The application around the model; bytes of flash its vectors take, and of RAM its window."""

    source: Literal["serial", "vectors", "function"] = "serial"
    vectors: int = 0
    flash_bytes: int = 0
    ram_bytes: int = 0
    threshold: Finite | None = None


class Manifest(_Strict):
    """tinygen.json in the root of every rendered project. The board's profile is copied to board.toml beside it.

    `checked` is a debug build with guard zones; manifests of before there were kinds of project are PlatformIO's.
    """

    schema_: Literal["tinygen.project/1"] = Field(default="tinygen.project/1", alias="schema")
    tinygen: str
    runtime: Runtime
    board: str
    project: Kind = "platformio"
    optimize: Literal["speed", "balanced", "size"] = "balanced"
    toolchain: Literal["gcc", "zig"] | None = None
    checked: bool = False
    model: ModelRecord
    plan: PlanRecord
    preprocess: Preprocess | None = None
    app: AppRecord = AppRecord.model_validate({})
    files: dict[ProjectPath, str]

    def text(self) -> str:
        """The manifest as it stands on disk."""
        return json.dumps(self.model_dump(mode="json", by_alias=True), indent=1, ensure_ascii=True) + "\n"


def read_manifest(project: Path) -> Manifest:
    """The manifest of a rendered project; BadInput where the folder is not one."""
    path = project / MANIFEST
    if not path.is_file():
        raise BadInput(f"{project}: not a tinygen project (no {MANIFEST}).", "`tinygen generate` makes one.")
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ValueError(f"it is longer than {MAX_BYTES} bytes")
        raw: Any = json.loads(path.read_text("utf-8"))
        manifest = Manifest.model_validate(raw)
        for tensor in (*manifest.model.inputs, *manifest.model.outputs):
            _check_tensor(tensor)
        _check_preprocess(manifest)
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, problem["loc"]))[:80]
        raise BadInput(f"{path}: damaged manifest: {where}: {problem['msg']}.", _AGAIN) from error
    except (ValueError, RecursionError) as error:
        raise BadInput(f"{path}: damaged manifest: {(str(error).splitlines() or ['?'])[0]}.", _AGAIN) from error
    return manifest


def _check_tensor(tensor: TensorRecord) -> None:
    """What other rooms count on of an input or output, ValueError where it does not hold."""
    what = f"{tensor.name[:40]!r}"
    if tensor.dtype not in END_TYPES:
        raise ValueError(f"{what} is of type {tensor.dtype[:20]!r}")
    if len(tensor.shape) > 8 or any(not 1 <= n <= _MAX_TENSOR_BYTES for n in tensor.shape):
        raise ValueError(f"{what} has a shape that no tensor has")
    nbytes = math.prod(tensor.shape) * ITEM_BYTES[tensor.dtype]
    if not nbytes == tensor.bytes <= _MAX_TENSOR_BYTES:
        raise ValueError(f"{what} of shape {tensor.shape} takes {tensor.bytes} bytes")
    if tensor.scale is not None and not tensor.scale > 0:
        raise ValueError(f"{what} has the scale {tensor.scale}")
    if not -(2**31) <= (tensor.zero_point or 0) < 2**31:
        raise ValueError(f"{what} has the zero point {tensor.zero_point}")


def _check_preprocess(manifest: Manifest) -> None:
    """That mean and std fit the input's last axis."""
    given = manifest.preprocess
    if given is None:
        return
    shape = manifest.model.inputs[0].shape if manifest.model.inputs else ()
    channels = shape[-1] if shape else 1
    for values in (given.mean, given.std):
        if len(values) not in (0, 1, channels):
            raise ValueError(f"{len(values)} values to preprocess {channels} channels with")
    if 0.0 in given.std:
        raise ValueError("a std of 0")
