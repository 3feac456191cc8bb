"""The constants of a model as C arrays: those of equal type and bytes stand in flash once, whoever reads them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..graph.ir import Array, Graph
from ..ops.base import Constant, In
from ..ops.lowering import Layer
from .c_layout import number_lines

C_TYPES = {
    "int8": "int8_t", "uint8": "uint8_t", "int16": "int16_t", "int32": "int32_t", "uint32": "uint32_t",
    "int64": "int64_t", "float32": "float", "bool": "uint8_t",
}  # fmt: skip
ITEM = {"int8_t": 1, "uint8_t": 1, "int16_t": 2, "int32_t": 4, "float": 4, "int64_t": 8}


@dataclass(frozen=True)
class Field:
    """One array: a member of the constants' struct, or a table beside the layer."""

    name: str
    ctype: str
    data: Array

    @property
    def count(self) -> int:
        """Number of elements."""
        return int(self.data.size)

    @property
    def nbytes(self) -> int:
        """Bytes in flash."""
        return self.count * ITEM[self.ctype]

    @property
    def lines(self) -> tuple[str, ...]:
        """The initializer's lines."""
        return number_lines(self.data)


@dataclass(frozen=True)
class Pool:
    """All arrays of a model: `fields` are its weights, widest type first so that none needs padding.

    `tables` are each layer's look-up tables that no layer before it has. `names` says by (layer index, name of the
    constant) how C calls the array that the layer reads.
    """

    fields: tuple[Field, ...]
    tables: dict[int, tuple[Field, ...]]
    names: dict[tuple[int, str], str]

    @property
    def weights_bytes(self) -> int:
        """Bytes of the constants' struct, the padding at its end included."""
        total = sum(f.nbytes for f in self.fields)
        align = max((ITEM[f.ctype] for f in self.fields), default=1)
        return -(-total // align) * align

    @property
    def tables_bytes(self) -> int:
        """Bytes of all look-up tables."""
        return sum(f.nbytes for fields in self.tables.values() for f in fields)


def pool(
    graph: Graph,
    layers: Sequence[Layer],
    layer_names: Sequence[str],
    struct: str = "weights",
    more: Sequence[Constant] = (),
) -> Pool:
    """The arrays that the layers read, and `more`; `struct` is the C name of the struct that holds the weights.

    `names` of what is in `more` stand under layer -1.
    """
    seen: dict[tuple[bool, str, str, bytes], str] = {}
    fields: list[Field] = []
    tables: dict[int, tuple[Field, ...]] = {}
    names: dict[tuple[int, str], str] = {}
    wanted = [(-1, constant.name, constant) for constant in more]
    wanted += [
        (layer.index, f"{layer_name}_{constant.name}", constant)
        for layer, layer_name in zip(layers, layer_names)
        for constant in _constants(graph, layer)
    ]
    for index, name, constant in wanted:
        data = constant.data
        key = (constant.table, constant.ctype, data.dtype.str, data.tobytes())
        if key not in seen:
            seen[key] = name if constant.table else f"{struct}.{name}"
            field = Field(name, constant.ctype, data)
            if constant.table:
                tables[index] = (*tables.get(index, ()), field)
            else:
                fields.append(field)
        names[index, constant.name] = seen[key]
    return Pool(tuple(sorted(fields, key=lambda f: -ITEM[f.ctype])), tables, names)


def _constants(graph: Graph, layer: Layer) -> list[Constant]:
    """What the layer's kernel keeps, and the constant inputs that it reads as they stand, as input<i>."""
    if layer.code is None:
        return []
    found = list(layer.code.constants)
    for arg in layer.code.args:
        tensor = graph.tensors[layer.op.inputs[arg.index]] if isinstance(arg, In) else None
        if isinstance(arg, In) and tensor is not None and tensor.data is not None:
            found.append(Constant(f"input{arg.index}", C_TYPES[tensor.dtype], tensor.data))
    return found
