"""Hostile models, a class of hostility each, made through the schema's objects; `python hostile_models.py` writes them.

corpus/<what>.tflite is kept in the repository, so that a file that once was trouble is tried for ever. All must be
refused with one clear line, but those of TAKEN, which TensorFlow Lite Micro runs too.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

CORPUS = Path(__file__).resolve().parent / "corpus"
TAKEN = frozenset({"names of all kinds", "a dead layer", "unused subgraph"})


def model_of(data: bytes) -> Any:
    """The schema's object tree of a file."""
    return schema.ModelT.InitFromObj(schema.Model.GetRootAs(data, 0))


def bytes_of(model: Any) -> bytes:
    """The file of an object tree."""
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def _graph(model: Any) -> Any:
    return model.subgraphs[0]


def _quant(model: Any, tensor: int) -> Any:
    return _graph(model).tensors[tensor].quantization


def _cycle(model: Any) -> None:
    graph = _graph(model)
    graph.operators[0].inputs = np.array([graph.operators[-1].outputs[0], *graph.operators[0].inputs[1:]], np.int32)


def _reads_its_output(model: Any) -> None:
    op = _graph(model).operators[0]
    op.inputs = np.array([op.outputs[0], *op.inputs[1:]], np.int32)


def _shape(*shape: int) -> Callable[[Any], None]:
    def change(model: Any) -> None:
        _graph(model).tensors[int(_graph(model).inputs[0])].shape = np.array(shape, np.int32)

    return change


def _scales(*scales: float) -> Callable[[Any], None]:
    def change(model: Any) -> None:
        _quant(model, int(_graph(model).inputs[0])).scale = np.array(scales, np.float32)

    return change


def _zero_points(*values: int) -> Callable[[Any], None]:
    def change(model: Any) -> None:
        _quant(model, int(_graph(model).inputs[0])).zeroPoint = np.array(values, np.int64)

    return change


def _weights(change: Callable[[Any], None]) -> Callable[[Any], None]:
    return lambda model: change(_graph(model).tensors[int(_graph(model).operators[0].inputs[1])])


def _buffer_of_weights(model: Any) -> None:
    tensor = _graph(model).tensors[int(_graph(model).operators[0].inputs[1])]
    model.buffers[tensor.buffer].data = np.zeros(3, np.uint8)


def _set(tensor: Any, **fields: Any) -> None:
    for name, value in fields.items():
        setattr(tensor, name, value)


def _ends(**fields: list[int]) -> Callable[[Any], None]:
    return lambda model: _set(_graph(model), **fields)


def _names(model: Any) -> None:
    odd = ['a"b', "x\ny", "*/ int main(void) {", "../../etc/passwd", "nul\0byte", "имя", "名前", "n" * 1000, "while",
           "class", "a.b", "a_b", "%s%n", "{{ 7 * 7 }}", "??/", "back\\slash", "\u202eright to left", ""]  # fmt: skip
    for i, tensor in enumerate(_graph(model).tensors):
        tensor.name = odd[i % len(odd)].encode()


def _no_subgraph(model: Any) -> None:
    model.subgraphs = []


def _unused_subgraph(model: Any) -> None:
    other = schema.SubGraphT()
    other.tensors, other.inputs, other.outputs, other.operators = [], [], [], []
    model.subgraphs.append(other)


def _unknown_operator(model: Any) -> None:
    model.operatorCodes[0].builtinCode = 2_000_000_000


def _custom_operator(model: Any) -> None:
    code = model.operatorCodes[0]
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.CUSTOM
    code.customCode = b'"; system("x"); //\n\x1b[2J'


def _operator_code(model: Any) -> None:
    _graph(model).operators[0].opcodeIndex = 77


def _no_inputs(model: Any) -> None:
    _graph(model).operators[0].inputs = np.array([], np.int32)


def _many_inputs(model: Any) -> None:
    op = _graph(model).operators[0]
    op.inputs = np.array([*op.inputs, *[0] * 3000], np.int32)


def _activation(model: Any) -> None:
    _graph(model).operators[0].builtinOptions.fusedActivationFunction = 99


def _other_options(model: Any) -> None:
    op = _graph(model).operators[0]
    op.builtinOptionsType = schema.BuiltinOptions.Pool2DOptions
    op.builtinOptions = schema.Pool2DOptionsT()


def _dead(model: Any) -> None:
    """One more layer that nobody reads."""
    graph = _graph(model)
    graph.tensors.append(model_of(bytes_of(model)).subgraphs[0].tensors[int(graph.operators[0].outputs[0])])
    again = model_of(bytes_of(model)).subgraphs[0].operators[0]
    again.outputs = np.array([len(graph.tensors) - 1], np.int32)
    graph.operators.insert(1, again)


HOSTILE: dict[str, Callable[[Any], None]] = {
    "cyclic tensors": _cycle,
    "a layer reads its output": _reads_its_output,
    "shape of 2^31 elements": _shape(1 << 16, 1 << 15),
    "a dimension of 2^31-1": _shape(2**31 - 1, 1),
    "a negative dimension": _shape(1, -4),
    "a dimension of 0": _shape(1, 0),
    "rank of 40": _shape(*[1] * 40),
    "scale of nan": _scales(math.nan),
    "scale of inf": _scales(math.inf),
    "scale of 0": _scales(0.0),
    "scale below 0": _scales(-1.0),
    "scale of 1e-45": _scales(1e-45),
    "seven scales": _scales(*[0.5] * 7),
    "two zero points": _zero_points(1, 2),
    "a zero point of 2^40": _zero_points(1 << 40),
    "weights of float": _weights(lambda t: _set(t, type=schema.TensorType.FLOAT32)),
    "weights of a string": _weights(lambda t: _set(t, type=schema.TensorType.STRING)),
    "weights of an unknown type": _weights(lambda t: _set(t, type=100)),
    "weights in no buffer": _weights(lambda t: _set(t, buffer=9999)),
    "weights too short": _buffer_of_weights,
    "quantized along axis 9": _weights(
        lambda t: _set(t.quantization, scale=np.ones(3, np.float32), quantizedDimension=9)
    ),
    "no inputs": _ends(inputs=[]),
    "no outputs": _ends(outputs=[]),
    "an input that is not there": _ends(inputs=[99]),
    "an output below 0": _ends(outputs=[-1]),
    "an input twice": _ends(inputs=[0, 0]),
    "an output that nothing writes": _ends(outputs=[1]),
    "no subgraph": _no_subgraph,
    "unused subgraph": _unused_subgraph,
    "unknown operator": _unknown_operator,
    "custom operator with a name of its own": _custom_operator,
    "operator code that is not there": _operator_code,
    "a layer without inputs": _no_inputs,
    "a layer of 3000 inputs": _many_inputs,
    "unknown activation": _activation,
    "options of another operator": _other_options,
    "names of all kinds": _names,
    "a dead layer": _dead,
}


def made(what: str, base: bytes) -> bytes:
    """The hostile file of that class, made from a good one whose first layer is FULLY_CONNECTED."""
    model = model_of(base)
    HOSTILE[what](model)
    return bytes_of(model)


def path_of(what: str) -> Path:
    """Where the file is kept."""
    return CORPUS / f"{what.replace(' ', '-').replace('^', '')}.tflite"


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "golden"))
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "ops"))
    from small_models import MODELS

    for kind in HOSTILE:
        path_of(kind).write_bytes(made(kind, MODELS["dense"]().tflite))
