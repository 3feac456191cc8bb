"""The one place that calls TensorFlow's TFLite converter: a function with a batch of 1 in, a full int8 .tflite out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import BadInput
from .conversion_errors import refusal
from .forms import in_tflm_forms
from .loops import refuse_loops


def convert_int8(
    call: Callable[[Any], Any],
    owner: Any,
    input_shape: tuple[int, ...],
    samples: npt.NDArray[Any],
    name: str,
) -> tuple[bytes, list[str]]:
    """Full int8 and findings; `samples` are the inputs, float32 (int8 in the model) or int32, [n, *input_shape[1:]].

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
    converter.representative_dataset = representative
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tf.int8
    try:
        converted = bytes(converter.convert())
    except Exception as error:
        raise refusal(error, name) from error
    try:
        return in_tflm_forms(converted)
    except BadInput as error:
        raise BadInput(f"{name}: {error.what}", error.hint) from error


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
