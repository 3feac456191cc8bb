"""Chooses a kernel for every layer of a graph and packs its constants: what planners and back ends work from."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..errors import BadInput
from ..graph.ir import Graph, Op
from . import operators
from ._choice import Compressible, choose_compressed
from ._choice import Optimize as Optimize
from .base import In, Kernel, LayerCode, bad_layer, choose_kernel, compressed_kernels, unsupported


@dataclass(frozen=True)
class Layer:
    """One layer: its operator with the kernel chosen; a view runs no code and shares its input's bytes."""

    index: int
    op: Op
    kernel: Kernel | None
    code: LayerCode | None
    scratch_bytes: int
    macs: int

    @property
    def is_view(self) -> bool:
        """Whether the layer costs nothing."""
        return self.code is None

    @property
    def kernel_name(self) -> str:
        """The kernel's name for tables."""
        return self.kernel.name if self.kernel else "view"


#: Layers that a model may have; bytes that all of them keep in flash, each counted whole though some may share theirs.
MAX_LAYERS, MAX_CONSTANT_BYTES = 4096, 1 << 26


def lower(graph: Graph, features: frozenset[str], optimize: Optimize = "balanced") -> tuple[Layer, ...]:
    """The layers of a graph for an instruction set; BadInput where a layer has no kernel or they are too many.

    `optimize` says when weights are stored compressed: always that it saves flash ("size"), when it also saves a good
    part of the layer's weights ("balanced"), or never ("speed").
    """
    if len(graph.ops) > MAX_LAYERS:
        raise BadInput(f"{graph.name}: {len(graph.ops)} layers, {MAX_LAYERS} are the most.")
    layers: list[Layer] = []
    kept = 0
    for number, op in enumerate(graph.ops):
        layer = _layer(graph, op, number, features)
        kept += sum(constant.data.nbytes for constant in layer.code.constants) if layer.code else 0
        if kept > MAX_CONSTANT_BYTES:
            raise bad_layer(op, f"{kept} bytes of constants up to here, {MAX_CONSTANT_BYTES} are the most")
        layers.append(layer)
    chosen = _compressed(graph, layers, features, optimize)
    return tuple(_with_kernel(graph, layer, chosen.get(layer.index, layer.kernel)) for layer in layers)


def _layer(graph: Graph, op: Op, index: int, features: frozenset[str]) -> Layer:
    operator = operators()[op.kind]
    macs = operator.macs(graph, op)
    view = Layer(index, op, None, None, 0, macs)
    return view if may_view(graph, op) else _with_kernel(graph, view, choose_kernel(operator, graph, op, features))


def _with_kernel(graph: Graph, layer: Layer, kernel: Kernel | None) -> Layer:
    if kernel is layer.kernel or kernel is None:
        return layer
    code = kernel.emit(graph, layer.op)
    _check_params(layer.op, code)
    _check_constant_inputs(graph, layer.op, code)
    return replace(layer, kernel=kernel, code=code, scratch_bytes=kernel.scratch_bytes(graph, layer.op))


def _compressed(graph: Graph, layers: list[Layer], features: frozenset[str], optimize: Optimize) -> dict[int, Kernel]:
    """The layers whose weights are stored compressed, with the kernels that read them so."""
    if optimize == "speed":
        return {}
    calls = {layer.index: layer.code.function for layer in layers if layer.code}
    found: dict[int, Compressible] = {}
    for index in calls:
        op = layers[index].op
        saves = compressed_kernels(operators()[op.kind], graph, op, features)
        if saves:
            found[index] = Compressible(op.inputs[1], graph.input(op, 1).nbytes, saves)
    return choose_compressed(found, calls, optimize)


def saved_bytes(layer: Layer, graph: Graph) -> int:
    """What a layer's weights take less in flash than as the model has them; 0 where they are not compressed."""
    return layer.kernel.saves(graph, layer.op) if layer.kernel and layer.kernel.saves else 0


def _check_params(op: Op, code: LayerCode) -> None:
    """Every number of a descriptor is an int32 in C."""
    for name, value in code.params:
        for number in value if isinstance(value, tuple) else (value,):
            if not -(2**31) <= number < 2**31:
                raise bad_layer(op, f"its {name} comes to {number}, beyond 32 bits")


def _check_constant_inputs(graph: Graph, op: Op, code: LayerCode) -> None:
    """Constants that a kernel reads as they stand are rendered as C integers of at most 32 bits."""
    for arg in code.args:
        tensor = graph.input(op, arg.index) if isinstance(arg, In) else None
        if tensor is not None and tensor.data is not None and tensor.dtype in ("float32", "int64"):
            raise unsupported(op, f"the constant {tensor.dtype} operand {tensor.name!r} is not supported")


def may_view(graph: Graph, op: Op) -> bool:
    """A view needs bytes of its own where both ends leave the model, it shows a variable, or the types differ."""
    if not operators()[op.kind].view(graph, op):
        return False
    x, y = graph.input(op, 0), graph.output(op)
    same = x.dtype == y.dtype and x.quant == y.quant and op.inputs[0] not in graph.in_state
    return same and not (op.outputs[0] in graph.outputs and _leaves(graph, op.inputs[0]))


def _leaves(graph: Graph, tensor: int) -> bool:
    """Whether the model's user holds the tensor: as an input, an output, or through views of either."""
    held = {*graph.inputs, *graph.outputs}
    while True:
        if tensor in held:
            return True
        producer = graph.producers.get(tensor)
        if producer is None or not operators()[producer.kind].view(graph, producer):
            return False
        tensor = producer.inputs[0]
