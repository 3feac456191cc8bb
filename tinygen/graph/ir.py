"""The graph of a quantized model: frozen tensors and operators in execution order."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import BadInput

Array = npt.NDArray[Any]

#: Bytes of one element, by TensorFlow Lite type name.
ITEM_BYTES = {"int8": 1, "uint8": 1, "bool": 1, "int16": 2, "int32": 4, "uint32": 4, "float32": 4, "int64": 8}
#: What the importer calls the type of a resource variable's handle, which has no bytes in the arena.
HANDLE = "resource"
#: The types of a model's inputs and outputs, for which tg.h has a name.
END_TYPES = frozenset(ITEM_BYTES) - {"uint32"}


@dataclass(frozen=True)
class Quant:
    """Affine quantization, real = scale * (q - zero_point): one pair, or one a slice along `axis`."""

    scales: tuple[float, ...]
    zero_points: tuple[int, ...]
    axis: int = 0

    @property
    def scale(self) -> float:
        """The scale of a tensor quantized as a whole (a float32 value held in a Python float)."""
        return self.scales[0]

    @property
    def zero_point(self) -> int:
        """The zero point of a tensor quantized as a whole."""
        return self.zero_points[0]

    @property
    def per_channel(self) -> bool:
        """Whether there is more than one scale."""
        return len(self.scales) > 1


@dataclass(frozen=True)
class Tensor:
    """One tensor; `data` is set for constants alone. Activations are NHWC, convolution weights OHWI."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    quant: Quant | None = None
    data: Array | None = None

    @property
    def size(self) -> int:
        """Number of elements."""
        return math.prod(self.shape)

    @property
    def nbytes(self) -> int:
        """Bytes in memory."""
        return self.size * ITEM_BYTES[self.dtype]


@dataclass(frozen=True)
class Op:
    """One operator. `inputs` and `outputs` index Graph.tensors; -1 is an input left out.

    `kind` is TensorFlow Lite's builtin name ("CONV_2D"); `attrs` is the frozen dataclass of tinygen/ops/<kind>.py.
    """

    kind: str
    name: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    attrs: Any = None


@dataclass(frozen=True)
class State:
    """Memory that outlives an inference: `tensors` live in it, the first is the variable itself.

    `initial` is what it holds after a reset, in the variable's shape and type.
    """

    name: str
    tensors: tuple[int, ...]
    initial: Array


@dataclass(frozen=True)
class Variable:
    """A resource variable as an interpreter keeps it; `nbytes` is 0 where nothing is assigned to it.

    `starts_as_reset` says whether it begins with what a reset fills in, `is_comparable` whether TFLM can tell its name
    from the others'.
    """

    name: str
    nbytes: int
    starts_as_reset: bool = True
    is_comparable: bool = True


@dataclass(frozen=True)
class OtherSubgraph:
    """What an interpreter counts of a subgraph besides the first: its tensors, and the kind of each operator.

    `has_states` where the file marks tensors of it as variable.
    """

    tensors: int
    kinds: tuple[str, ...]
    has_states: bool = False


@dataclass(frozen=True)
class Graph:
    """A model: `ops` stand in execution order; `inputs` and `outputs` index `tensors`.

    `file_tensors` counts the tensors that the file lists; those after them were made on the way. `others` are the
    file's other subgraphs; `variables` are set where the graph is the file's own, handles and all.
    """

    name: str
    tensors: tuple[Tensor, ...]
    ops: tuple[Op, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    sha256: str = ""
    states: tuple[State, ...] = ()
    file_tensors: int = 0
    others: tuple[OtherSubgraph, ...] = ()
    variables: tuple[Variable, ...] = ()
    metadata: dict[str, bytes] = field(default_factory=dict, compare=False)

    @cached_property
    def producers(self) -> dict[int, Op]:
        """The operator that writes each tensor; inputs and constants have none."""
        return {tensor: op for op in self.ops for tensor in op.outputs}

    @property
    def other_kinds(self) -> tuple[str, ...]:
        """The operators of the other subgraphs, each once."""
        return tuple(dict.fromkeys(kind for other in self.others for kind in other.kinds))

    def input(self, op: Op, i: int) -> Tensor:
        """The tensor at input `i` of `op`; BadInput where the file leaves it out."""
        if i >= len(op.inputs) or op.inputs[i] < 0:
            raise BadInput(f"{op.name} ({op.kind}): input {i} is left out.")
        return self.tensors[op.inputs[i]]

    def optional(self, op: Op, i: int) -> Tensor | None:
        """The tensor at input `i` of `op`, None where it is left out."""
        return self.tensors[op.inputs[i]] if i < len(op.inputs) and op.inputs[i] >= 0 else None

    @property
    def in_state(self) -> dict[int, State]:
        """The state that a tensor lives in, by tensor."""
        return {tensor: state for state in self.states for tensor in state.tensors}

    def output(self, op: Op, i: int = 0) -> Tensor:
        """The tensor at output `i` of `op`."""
        return self.tensors[op.outputs[i]]


def constant(tensor: Tensor) -> Array:
    """The values of a constant tensor, in its shape and dtype."""
    if tensor.data is None:
        raise ValueError(f"{tensor.name} is not constant")
    return np.asarray(tensor.data)
