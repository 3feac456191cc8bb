"""A .tflite opened for rewriting, in the worker: tensors and operators as TensorFlow's own flatbuffer classes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...graph.builtin import BUILTIN_NAMES
from ...graph.ir import Array

_NUMPY = {"FLOAT32": "<f4", "INT32": "<i4", "INT8": "i1", "BOOL": "?"}


@dataclass
class Draft:
    """One model with one subgraph; `changed` says whether to pack it again."""

    model: Any
    schema: Any
    changed: bool = False

    @property
    def graph(self) -> Any:
        """The subgraph."""
        return self.model.subgraphs[0]

    @property
    def operators(self) -> list[Any]:
        """In the order of execution."""
        return list(self.graph.operators)

    def put(self, operators: Iterable[Any]) -> None:
        """Operators in the place of those there were."""
        self.graph.operators = list(operators)
        self.changed = True

    def kind(self, operator: Any) -> str:
        """ "ADD"."""
        code = self.model.operatorCodes[operator.opcodeIndex]
        value = max(code.builtinCode, code.deprecatedBuiltinCode)
        return BUILTIN_NAMES[value] if 0 <= value < len(BUILTIN_NAMES) else "CUSTOM"

    def dtype(self, tensor: int) -> str:
        """ "INT8", "" for a type that no rewrite is about."""
        names = {getattr(self.schema.TensorType, name): name for name in _NUMPY}
        return names.get(self.graph.tensors[tensor].type, "")

    def shape(self, tensor: int) -> tuple[int, ...]:
        """The tensor's shape."""
        shape = self.graph.tensors[tensor].shape
        return () if shape is None else tuple(int(n) for n in shape)

    def data(self, tensor: int) -> Array | None:
        """A constant's values; None for other tensors."""
        raw = self.model.buffers[self.graph.tensors[tensor].buffer].data
        if raw is None or not len(raw) or not self.dtype(tensor):
            return None
        return np.frombuffer(bytes(bytearray(raw)), _NUMPY[self.dtype(tensor)]).reshape(self.shape(tensor))

    def scale(self, tensor: int) -> tuple[float, int] | None:
        """(scale, zero point) of a tensor quantized as a whole."""
        quant = self.graph.tensors[tensor].quantization
        if quant is None or quant.scale is None or len(quant.scale) != 1:
            return None
        return float(quant.scale[0]), int(quant.zeroPoint[0]) if quant.zeroPoint is not None else 0

    def readers(self) -> Counter[int]:
        """How often each tensor is read, by operators and by who runs the model."""
        read = Counter(int(i) for op in self.operators for i in op.inputs)
        return read + Counter(int(i) for i in self.graph.outputs)

    def tensor(self, name: str, shape: Sequence[int], dtype: str, data: Any = None, like: int | None = None) -> int:
        """A new tensor; `data` makes it a constant, `like` names one whose scale it has."""
        made = self.schema.TensorT()
        made.name, made.shape = name.encode(), np.array(shape, np.int32)
        made.type, made.buffer = getattr(self.schema.TensorType, dtype), 0
        if like is not None:
            made.quantization = self.graph.tensors[like].quantization
        if data is not None:
            buffer = self.schema.BufferT()
            buffer.data = np.frombuffer(np.ascontiguousarray(data, _NUMPY[dtype]).tobytes(), np.uint8)
            made.buffer = len(self.model.buffers)
            self.model.buffers.append(buffer)
        self.graph.tensors.append(made)
        return len(self.graph.tensors) - 1

    def operator(
        self, kind: str, inputs: Sequence[int], outputs: Sequence[int], options: str = "", **fields: Any
    ) -> Any:
        """A new operator, not yet put anywhere."""
        made = self.schema.OperatorT()
        made.opcodeIndex = self._code(kind)
        made.inputs, made.outputs = np.array(inputs, np.int32), np.array(outputs, np.int32)
        if options:
            made.builtinOptionsType = getattr(self.schema.BuiltinOptions, options)
            made.builtinOptions = getattr(self.schema, options + "T")()
            for name, value in fields.items():
                setattr(made.builtinOptions, name, value)
        return made

    def name(self, tensor: int) -> str:
        """The tensor's name."""
        name = self.graph.tensors[tensor].name
        return name.decode("utf-8", "replace") if isinstance(name, bytes) else str(name)

    def packed(self) -> bytes:
        """The model's file."""
        import flatbuffers

        builder = flatbuffers.Builder(1 << 16)
        builder.Finish(self.model.Pack(builder), file_identifier=b"TFL3")
        return bytes(builder.Output())

    def _code(self, kind: str) -> int:
        value = getattr(self.schema.BuiltinOperator, kind)
        for index, code in enumerate(self.model.operatorCodes):
            if max(code.builtinCode, code.deprecatedBuiltinCode) == value:
                return index
        made = self.schema.OperatorCodeT()
        made.builtinCode, made.deprecatedBuiltinCode, made.version = value, min(value, 127), 1
        self.model.operatorCodes.append(made)
        return len(self.model.operatorCodes) - 1


def open_draft(tflite: bytes) -> Draft | None:
    """The model as a draft; None for one of several subgraphs, which no rewrite looks into."""
    from tensorflow.lite.python import schema_py_generated as schema

    model = schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(bytearray(tflite), 0))
    return Draft(model, schema) if len(model.subgraphs) == 1 else None
