"""The one place that calls TensorFlow's TFLite converter: a function with a batch of 1 in, a quantized .tflite out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from ..errors import BadInput
from ..flatbuffer import root
from .conversion_errors import refusal
from .forms import in_tflm_forms
from .layer_names import layer_of
from .loops import refuse_loops

#: int8 weights and activations; int8 weights and int16 activations; int8 weights and float activations.
Precision = Literal["int8", "int16x8", "dynamic"]
PRECISIONS: tuple[Precision, ...] = ("int8", "int16x8", "dynamic")
_FLOAT32 = 0


def convert(
    call: Callable[[Any], Any],
    owner: Any,
    input_shape: tuple[int, ...],
    samples: npt.NDArray[Any],
    name: str,
    precision: Precision = "int8",
) -> tuple[bytes, list[str]]:
    """The .tflite and findings; `samples` are inputs, float32 (integers in the model) or int32, [n, *input_shape[1:]].

    "dynamic" needs no samples but their type, and keeps float32 at both ends. A model that was trained
    quantization-aware keeps the ranges that it learned, whatever the samples.
    Fixing the batch to 1 keeps SHAPE, STRIDED_SLICE and PACK out of the model. The same input gives the same bytes.
    BadInput names the operators that have no int8 form.
    """
    import tensorflow as tf

    function = tf.function(call, input_signature=[tf.TensorSpec(input_shape, samples.dtype.name, name="input")])
    try:
        concrete = function.get_concrete_function()
    except Exception as error:
        raise refusal(error, name) from error
    refuse_loops(concrete.graph.as_graph_def(), name)
    converter = tf.lite.TFLiteConverter.from_concrete_functions([concrete], owner)

    def representative() -> Iterator[list[Any]]:
        for sample in samples:
            yield [sample.reshape(input_shape)]

    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if precision != "dynamic":
        sets, wide = tf.lite.OpsSet, precision == "int16x8"
        converter.representative_dataset = representative
        converter.target_spec.supported_ops = [
            sets.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8 if wide else sets.TFLITE_BUILTINS_INT8
        ]
        converter.inference_input_type = converter.inference_output_type = tf.int16 if wide else tf.int8
    try:
        converted = bytes(converter.convert())
    except Exception as error:
        raise refusal(error, name) from error
    if precision == "dynamic":
        return converted, []
    try:
        return in_tflm_forms(converted)
    except BadInput as error:
        raise BadInput(f"{name}: {error.what}", error.hint) from error


def require_integers(tflite: bytes, name: str) -> None:
    """BadInput where the converter left float tensors in a model that had learned its ranges."""
    tensors = root(tflite, b"TFL3").tables(2)[0].tables(0)
    left = [tensor.text(3) for tensor in tensors if tensor.int8(1) == _FLOAT32]
    if left:
        layers = ", ".join(repr(layer) for layer in dict.fromkeys(map(layer_of, left)) if layer) or "some layers"
        raise BadInput(
            f"{name}: {layers} learned no range in the quantization-aware training and would stay float.",
            "Quantize the model that it was made from.",
        )


def with_metadata(tflite: bytes, name: str, content: bytes) -> bytes:
    """The model with an entry in its metadata, which interpreters pass over; buffers stay aligned to 4 bytes."""
    import flatbuffers
    from tensorflow.lite.python import schema_py_generated as schema

    model = schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(bytearray(tflite), 0))
    buffer = schema.BufferT()
    buffer.data = np.frombuffer(content, np.uint8)
    model.buffers.append(buffer)
    entry = schema.MetadataT()
    entry.name, entry.buffer = name, len(model.buffers) - 1
    model.metadata = [*(model.metadata or []), entry]
    builder = flatbuffers.Builder(len(tflite) + 1024)
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())
