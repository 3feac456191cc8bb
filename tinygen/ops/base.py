"""What an operator file says: how it is read, its shapes and costs, and its kernel variants, best first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..errors import BadInput
from ..flatbuffer import Table
from ..graph.ir import Array, Graph, Op, Tensor
from ._ways_out import AGAIN, OWN_LAYER, way_out, way_out_of

Shape = tuple[int, ...]

#: Fused activations by code in the schema's ActivationFunctionType.
ACTIVATIONS = ("NONE", "RELU", "RELU_N1_TO_1", "RELU6", "TANH", "SIGN_BIT")
#: Those that kernels fuse.
FUSED = ACTIVATIONS[1:4]


@dataclass(frozen=True)
class In:
    """A kernel argument: the data of input `index`; constant inputs come from the weights."""

    index: int = 0


@dataclass(frozen=True)
class Out:
    """A kernel argument: where output `index` goes."""

    index: int = 0


@dataclass(frozen=True)
class Const:
    """A kernel argument: the constant of that name in LayerCode.constants."""

    name: str


@dataclass(frozen=True)
class Scratch:
    """A kernel argument: the layer's scratch buffer."""


Arg = In | Out | Const | Scratch | int


@dataclass(frozen=True)
class Constant:
    """Numbers that a layer keeps in flash: `ctype` is C's element type; a table is code, not the model's weights."""

    name: str
    ctype: str
    data: Array
    table: bool = False


@dataclass(frozen=True)
class LayerCode:
    """One call of the rendered invoke function: `function`(&params, args…).

    `params` are the int32 fields of the kernel's struct `struct`, in its order (a tuple is an array field).
    """

    function: str
    args: tuple[Arg, ...]
    struct: str = ""
    params: tuple[tuple[str, int | tuple[int, ...]], ...] = ()
    constants: tuple[Constant, ...] = ()

    @property
    def params_bytes(self) -> int:
        """Flash bytes of the descriptor."""
        return 4 * sum(len(v) if isinstance(v, tuple) else 1 for _, v in self.params)


def any_layer(_graph: Graph, _op: Op) -> bool:
    """For a variant that takes every layer of its types."""
    return True


def _none(_graph: Graph, _op: Op) -> int:
    return 0


@dataclass(frozen=True)
class Kernel:
    """A kernel variant: how Python packs a layer, and the C header that reads it so packed.

    `features` are the instruction-set features it needs (boards.FEATURES). `dtypes` are the types of the data input,
    and of the outputs unless it `converts`.
    `min_distance` says how near the output may follow the first input in memory: None where they may not overlap.
    A variant that stores weights compressed says how many bytes that saves, in `saves`; `parts` are its function with
    the most bytes of it on any core, and those of dense kernels that it calls.
    """

    name: str
    header: str
    emit: Callable[[Graph, Op], LayerCode]
    dtypes: tuple[str, ...] = ("int8",)
    features: frozenset[str] = frozenset()
    supports: Callable[[Graph, Op], bool] = any_layer
    scratch_bytes: Callable[[Graph, Op], int] = _none
    alignment: int = 1
    converts: bool = False
    saves: Callable[[Graph, Op], int] | None = None
    parts: tuple[tuple[str, int], ...] = ()

    def fits(self, graph: Graph, op: Op, dtype: str, same: bool, features: frozenset[str]) -> bool:
        """Whether the instruction set has it and it takes the layer, of those types."""
        known = self.features <= features and dtype in self.dtypes and (same or self.converts)
        return known and self.supports(graph, op)


@dataclass(frozen=True)
class Operator:
    """One operator of TensorFlow Lite: the constant OPERATOR of each file in this folder.

    `read` turns the flatbuffer's options into the frozen attributes; `shapes` gives the outputs' shapes from the
    inputs' and raises BadInput where they do not fit; `view` says that the output is the input's bytes unchanged;
    `data_input` is the input that the kernels' types are about, where it is not the first; `updates` are the inputs
    that are variables and which the kernel changes. What a table of operators says besides: `fused` activations,
    `limits` of what is taken, and the `oracle` whose bits the kernels give.
    """

    kind: str
    resolver: str
    shapes: Callable[[Graph, Op], tuple[Shape, ...]]
    kernels: tuple[Kernel, ...] = ()
    read: Callable[[Table], Any] = lambda _options: None
    macs: Callable[[Graph, Op], int] = _none
    view: Callable[[Graph, Op], bool] = lambda _graph, _op: False
    inputs: tuple[int, int] = (1, 1)
    note: str = ""
    data_input: int = 0
    updates: tuple[int, ...] = ()
    fused: tuple[str, ...] = ()
    limits: str = ""
    oracle: str = "TFLM"


def choose_kernel(operator: Operator, graph: Graph, op: Op, features: frozenset[str]) -> Kernel:
    """The first variant that the instruction set has and that takes the layer; BadInput where none does.

    Those that store weights compressed are left out: what they save decides, over all layers.
    """
    dtype = graph.input(op, operator.data_input).dtype
    same = all(graph.tensors[i].dtype == dtype for i in op.outputs)
    for kernel in operator.kernels:
        if kernel.saves is None and kernel.fits(graph, op, dtype, same, features):
            return kernel
    raise refused_type(operator, graph, op)


def compressed_kernels(operator: Operator, graph: Graph, op: Op, features: frozenset[str]) -> dict[Kernel, int]:
    """The variants that store the layer's weights compressed, with the bytes that each saves."""
    dtype = graph.input(op, operator.data_input).dtype
    same = all(graph.tensors[i].dtype == dtype for i in op.outputs)
    found = (k for k in operator.kernels if k.saves is not None and k.fits(graph, op, dtype, same, features))
    return {kernel: kernel.saves(graph, op) for kernel in found if kernel.saves is not None}


def refused_type(operator: Operator, graph: Graph, op: Op) -> BadInput:
    """The refusal of a layer whose types no kernel takes, in its form."""
    dtype = graph.input(op, operator.data_input).dtype
    same = all(graph.tensors[i].dtype == dtype for i in op.outputs)
    known = sorted({d for k in operator.kernels for d in k.dtypes})
    types = dtype if same else f"{dtype} to {', '.join(graph.tensors[i].dtype for i in op.outputs)}"
    only = f"in this form is not supported, only on {', '.join(known)}" if known else "is not supported as a layer"
    hint = way_out_of(graph, op, dtype) if same or any(k.converts for k in operator.kernels) else AGAIN
    return unsupported(op, f"{op.kind} on {types} {only}", hint)


def unsupported(op: Op, what: str, hint: str = "") -> BadInput:
    """The refusal of a layer that the ahead-of-time back end cannot compute, with the way out.

    Without a `hint`, TensorFlow Lite Micro is taken to run the layer in that form where it has the operator.
    """
    return BadInput(f"{op.name}: {what} by the aot back end.", hint or way_out(op.kind))


def bad_layer(op: Op, what: str) -> BadInput:
    """The refusal of a layer that contradicts itself."""
    return BadInput(f"{op.name} ({op.kind}): {what}.")


def activation_name(op: Op, code: int) -> str:
    """The name of a fused activation; refused where it is not one that int8 kernels fuse."""
    name = ACTIVATIONS[code] if 0 <= code < len(ACTIVATIONS) else f"activation {code}"
    if name not in ("NONE", *FUSED):
        raise unsupported(op, f"fused {name} is not supported", OWN_LAYER)
    return name


def per_tensor(op: Op, tensor: Tensor) -> tuple[float, int]:
    """(scale, zero point) of a tensor that must be quantized as a whole."""
    if tensor.quant is None:
        raise BadInput(
            f"{op.name}: tensor {tensor.name!r} ({tensor.dtype}) is not quantized.",
            "tinygen takes full int8 models; `tinygen quantize` makes one.",
        )
    if tensor.quant.per_channel:
        raise bad_layer(op, f"tensor {tensor.name!r} has {len(tensor.quant.scales)} scales where one is needed")
    return tensor.quant.scale, tensor.quant.zero_point


def symmetric(op: Op, *tensors: Tensor) -> None:
    """Refuses a zero point of an int16 tensor, where TFLM takes none; a tensor without scales has none."""
    for tensor in tensors:
        if tensor.dtype == "int16" and tensor.quant is not None and any(tensor.quant.zero_points):
            raise bad_layer(op, f"{tensor.name!r} is int16 with zero point {tensor.quant.zero_point}, needed 0")
