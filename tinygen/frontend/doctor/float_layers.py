"""Every layer's float output on some of the representative samples: what the int8 layers are held against.

The same function is converted a second time, to float32, by the same converter: its tensors bear the names of the int8
ones, batch normalization folded and activations fused alike.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
_SAMPLES, _MOST_VALUES = 48, 1 << 25


def some_of(samples: Array) -> Array:
    """At most _SAMPLES of them, evenly spaced: the same ones every time."""
    return np.asarray(samples[np.unique(np.linspace(0, len(samples) - 1, min(_SAMPLES, len(samples))).astype(int))])


def float_layers(
    call: Callable[[Any], Any], owner: Any, input_shape: tuple[int, ...], samples: Array
) -> tuple[Array, dict[str, Array]]:
    """(the samples that were run, tensor name → its values on them, [n, *shape]); constants are left out."""
    import tensorflow as tf

    function = tf.function(call, input_signature=[tf.TensorSpec(input_shape, samples.dtype.name, name="input")])
    converter = tf.lite.TFLiteConverter.from_concrete_functions([function.get_concrete_function()], owner)
    interpreter = _interpreter(bytes(converter.convert()))
    interpreter.allocate_tensors()
    details = {d["index"]: d for d in interpreter.get_tensor_details() if d["name"]}
    made = [details[i] for op in interpreter._get_ops_details() for i in op["outputs"] if i in details]
    made = [d for d in made if d["dtype"] == np.float32]
    size = sum(int(np.prod(d["shape"])) for d in made)
    samples = samples[: max(4, min(len(samples), _MOST_VALUES // max(1, size)))]
    inputs = interpreter.get_input_details()
    runs: dict[str, list[Array]] = {}
    for sample in samples:
        interpreter.set_tensor(inputs[0]["index"], sample.reshape(input_shape))
        interpreter.invoke()
        for d in made:
            runs.setdefault(d["name"], []).append(np.array(interpreter.get_tensor(d["index"]), np.float32))
    return samples, {name: np.stack(values) for name, values in runs.items() if len(values) == len(samples)}


def _interpreter(tflite: bytes) -> Any:
    """Without a delegate, which would keep layers' outputs to itself."""
    try:
        from ai_edge_litert.interpreter import Interpreter, OpResolverType
    except ModuleNotFoundError:
        from tensorflow.lite.python.interpreter import Interpreter, OpResolverType
    plain = OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    return Interpreter(
        model_content=tflite, experimental_op_resolver_type=plain, experimental_preserve_all_tensors=True
    )
