"""The tensors of a .tflite: shape, type, quantization and constants, each held to what it can be before it is used."""

from __future__ import annotations

import math

import numpy as np

from ..errors import BadInput
from ..flatbuffer import Damaged, Table
from ..graph.ir import HANDLE, ITEM_BYTES, Array, Quant, Tensor

#: TensorFlow Lite's types that no kernel takes, by code: kept by name, refused when an operator reads them.
OTHER = {1: "float16", 5: "string", 8: "complex64", 10: "float64", 11: "complex128", 12: "uint64", 13: HANDLE,
         14: "variant", 16: "uint16", 17: "int4", 18: "bfloat16"}  # fmt: skip
#: TensorFlow Lite's type codes that a Graph can hold.
DTYPES = {0: "float32", 2: "int32", 3: "uint8", 4: "int64", 6: "bool", 7: "int16", 9: "int8", 15: "uint32"}
NUMPY = {
    "float32": "<f4", "int32": "<i4", "uint8": "u1", "int64": "<i8", "bool": "?", "int16": "<i2", "int8": "i1",
    "uint32": "<u4",
}  # fmt: skip
MAX_TENSOR_BYTES = 1 << 28
MAX_RANK = 8
#: Scales of one tensor, and of all together: vectors of a file may share their bytes.
MAX_CHANNELS, MAX_SCALES = 1 << 16, 1 << 20
#: Zero points beyond these have no meaning; the reference keeps all of them in 32 bits.
ZERO_POINTS = {"int8": (-128, 127), "uint8": (0, 255), "int16": (-(2**15), 2**15 - 1)}


def read_tensors(data: bytes, tables: list[Table], buffers: list[Table]) -> tuple[Tensor, ...]:
    """The tensors of a subgraph's tables; Damaged or BadInput where one of them cannot be."""
    tensors: list[Tensor] = []
    scales = 0
    for number, table in enumerate(tables):
        tensor = _tensor(data, table, number, buffers)
        scales += len(tensor.quant.scales) if tensor.quant else 0
        if scales > MAX_SCALES:
            raise BadInput(f"Tensor {tensor.name!r}: more than {MAX_SCALES} scales in the model's tensors so far.")
        tensors.append(tensor)
    return tuple(tensors)


def buffer_bytes(data: bytes, table: Table) -> bytes | memoryview:
    """A buffer's bytes, inside the flatbuffer or behind it (offset and size, for large models)."""
    offset, size = int(table.scalar(1, "<Q", 0)), int(table.scalar(2, "<Q", 0))
    if offset > 1:
        if offset + size > len(data):
            raise Damaged(f"The file is damaged: a buffer of {size} bytes at {offset} passes its end.")
        return memoryview(data)[offset : offset + size]
    return table.array(0, "u1").data


def _tensor(data: bytes, table: Table, index: int, buffers: list[Table]) -> Tensor:
    name = table.text(3) or f"tensor_{index}"
    code = table.int8(1)
    shape = table.ints(0, MAX_RANK)
    if code not in DTYPES:
        # Resource handles and strings: kept by name alone, refused when an operator reads them.
        return Tensor(name, (), OTHER.get(code, f"type_{code}"))
    dtype = DTYPES[code]
    if any(n < 0 for n in shape):
        raise BadInput(f"Tensor {name!r}: its shape {shape} is not one that a tensor can have.")
    if math.prod(shape) * ITEM_BYTES[dtype] > MAX_TENSOR_BYTES:
        raise BadInput(f"Tensor {name!r}: its shape {shape} is too large for a microcontroller.")
    if table.table(6) is not None:
        raise BadInput(f"Tensor {name!r} is stored sparse; convert the model without sparsity in the file.")
    return Tensor(
        name, shape, dtype, _quant(name, table.table(4), shape, dtype), _data(data, table, name, shape, dtype, buffers)
    )


def _data(
    data: bytes, table: Table, name: str, shape: tuple[int, ...], dtype: str, buffers: list[Table]
) -> Array | None:
    number = table.uint32(2)
    if number >= len(buffers):
        raise BadInput(f"Tensor {name!r}: its buffer {number} is not among the model's {len(buffers)}.")
    raw = buffer_bytes(data, buffers[number])
    if len(raw) == 0 or table.bool(5):
        return None
    expected = math.prod(shape) * ITEM_BYTES[dtype]
    if len(raw) != expected:
        raise BadInput(f"Tensor {name!r}: shape {shape} needs {expected} bytes, its buffer has {len(raw)}.")
    if dtype == "bool" and max(raw) > 1:
        raise BadInput(f"Tensor {name!r}: a bool of {max(raw)}, where only 0 and 1 are defined.")
    array = np.frombuffer(raw, NUMPY[dtype]).reshape(shape)
    array.setflags(write=False)
    return array


def _quant(name: str, table: Table | None, shape: tuple[int, ...], dtype: str) -> Quant | None:
    if table is None:
        return None
    scales = table.array(2, "<f4")
    zero_points = table.array(3, "<i8")
    if len(scales) == 0 or len(zero_points) == 0:
        return None  # TFLite Micro takes the tensor for one that is not quantized
    if not np.isfinite(scales).all() or (scales <= 0).any():
        bad = scales[~(np.isfinite(scales) & (scales > 0))][0]
        raise BadInput(f"Tensor {name!r}: its scale {bad} is not a positive number.")
    if len(zero_points) != len(scales):
        raise BadInput(f"Tensor {name!r}: {len(scales)} scales and {len(zero_points)} zero points.")
    low, high = ZERO_POINTS.get(dtype, (-(2**31), 2**31 - 1))
    if not low <= zero_points.min() <= zero_points.max() <= high:
        raise BadInput(f"Tensor {name!r}: a zero point is outside of {dtype}.")
    axis = table.int32(6)
    if len(scales) > MAX_CHANNELS:
        raise BadInput(f"Tensor {name!r}: {len(scales)} scales, {MAX_CHANNELS} are the most.")
    if len(scales) > 1 and not (0 <= axis < len(shape) and shape[axis] == len(scales)):
        raise BadInput(f"Tensor {name!r}: {len(scales)} scales along axis {axis} of shape {shape}.")
    return Quant(tuple(scales.tolist()), tuple(zero_points.tolist()), axis)
