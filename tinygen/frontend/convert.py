"""The one place that calls TensorFlow's TFLite converter: a function with a batch of 1 in, a full int8 .tflite out."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import BadInput
from .forms import in_tflm_forms
from .loops import refuse_loops


def convert_int8(
    call: Callable[[Any], Any],
    owner: Any,
    input_shape: tuple[int, ...],
    samples: npt.NDArray[np.float32],
    name: str,
) -> tuple[bytes, list[str]]:
    """Full int8 with int8 input and output, and findings; `samples` are the float inputs, [n, *input_shape[1:]].

    Fixing the batch to 1 keeps SHAPE, STRIDED_SLICE and PACK out of the model. The same input gives the same bytes.
    BadInput names the operators that have no int8 form.
    """
    import tensorflow as tf

    function = tf.function(call, input_signature=[tf.TensorSpec(input_shape, tf.float32, name="input")])
    concrete = function.get_concrete_function()
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
        return in_tflm_forms(bytes(converter.convert()))
    except Exception as error:
        raise BadInput(
            f"{name}: {_reason(str(error))}", "Replace those layers by ones that TensorFlow Lite has in int8."
        ) from error


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


def _reason(message: str) -> str:
    """TensorFlow's pages of error in one line: the operators it stumbled over, or its first sentence."""
    operators = sorted(set(re.findall(r"'(?:tf|tfl)\.([A-Za-z0-9]+)' op", message)))
    if operators:
        return f"TensorFlow Lite cannot convert the operators {', '.join(operators)} to int8."
    first = next((line.strip() for line in message.splitlines() if line.strip()), "no reason given")
    return f"the TensorFlow Lite converter refuses it: {first[:300]}"
