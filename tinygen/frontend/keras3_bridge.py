"""Rebuilds a Keras 3 model as a tf_keras model: the same layers, calls and weights, then proof that the outputs agree.

How it goes:
1. every layer of Keras 3's config becomes the tf_keras layer of the same class, with the options that both know;
2. the layers are called again in the order of the config's nodes, so branches, shared layers and nested models hold;
3. weights are copied layer by layer;
4. both models run on the same random inputs; where they differ, the model is refused and the first such layer named.

Initializers are not carried over (the weights are), nor are regularizers and constraints.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ..errors import BadInput, TinygenError
from .keras3_layers import function_behind, twin_layer

_TOLERANCE = 1e-5
#: What layers may be called with besides their inputs.
_KNOWN_ARGUMENTS = {
    "MultiHeadAttention": frozenset({"query", "value", "key", "use_causal_mask"}),
    "Attention": frozenset({"use_causal_mask"}),
    "AdditiveAttention": frozenset({"use_causal_mask"}),
}
_MASKED = "No Masking layer and mask_zero=False: firmware takes windows of one length."


def to_tf_keras(model: Any) -> Any:
    """The tf_keras twin of a live Keras 3 model; BadInput where a layer has none or computes something else."""
    twin = _rebuild(model, model.name)
    _copy_weights(model, twin)
    _check_same(model, twin)
    return twin


def _rebuild(model: Any, name: str) -> Any:
    import tf_keras

    if not getattr(model, "inputs", None):
        raise BadInput(f"Model {name!r} has no input shape.", "Give it a keras.Input and save it again.")
    config = model.get_config()
    if type(model).__name__ == "Sequential":
        x = inputs = tf_keras.Input(batch_shape=_shape(model.inputs[0]), dtype=_dtype(model.inputs[0]))
        for layer in model.layers:
            x = _called(layer, _twin_of(layer), x)
        return tf_keras.Model(inputs, x, name=name)
    made: dict[tuple[str, int, int], Any] = {}
    twins = {layer.name: _twin_of(layer) for layer in model.operations if type(layer).__name__ != "InputLayer"}
    for layer in model.layers:
        if type(layer).__name__ == "InputLayer":
            tensor = layer.output
            made[layer.name, 0, 0] = tf_keras.Input(batch_shape=_shape(tensor), dtype=_dtype(tensor), name=layer.name)
    pending = [(entry["name"], i, node) for entry in config["layers"] for i, node in enumerate(entry["inbound_nodes"])]
    while pending:
        ready = [p for p in pending if all(key in made for key in _histories(p[2]))]
        if not ready:
            raise BadInput(f"Model {name!r}: layer {pending[0][0]!r} takes an input that no layer gives.")
        for layer_name, index, node in ready:
            outputs = _call(layer_name, twins[layer_name], node, made)
            for k, tensor in enumerate(outputs if isinstance(outputs, (list, tuple)) else [outputs]):
                made[layer_name, index, k] = tensor
        pending = [p for p in pending if p not in ready]
    ends = [_pick(made, config[key]) for key in ("input_layers", "output_layers")]
    return tf_keras.Model(*ends, name=name)


def _pick(made: dict[tuple[str, int, int], Any], entry: Any) -> Any:
    """Tensors of a config's input_layers or output_layers: one [name, node, tensor], or a list or dict of them."""
    if isinstance(entry, dict):
        return {key: _pick(made, value) for key, value in entry.items()}
    if len(entry) == 3 and isinstance(entry[0], str):
        return made[entry[0], int(entry[1]), int(entry[2])]
    picked = [_pick(made, value) for value in entry]
    return picked[0] if len(picked) == 1 else picked


def _histories(node: Any) -> Iterator[tuple[str, int, int]]:
    if isinstance(node, dict):
        if node.get("class_name") == "__keras_tensor__":
            name, index, k = node["config"]["keras_history"]
            yield str(name), int(index), int(k)
            return
        node = list(node.values())
    if isinstance(node, (list, tuple)):
        for child in node:
            yield from _histories(child)


def _call(name: str, layer: Any, node: dict[str, Any], made: dict[tuple[str, int, int], Any]) -> Any:
    def value(part: Any) -> Any:
        if isinstance(part, dict) and part.get("class_name") == "__keras_tensor__":
            return made[next(_histories(part))]
        return [value(p) for p in part] if isinstance(part, (list, tuple)) else part

    args = [value(part) for part in node["args"]]
    given = node["kwargs"].items()
    kwargs = {key: value(part) for key, part in given if part not in (None, False) and key != "training"}
    kind = type(layer).__name__
    if kind in ("Add", "Subtract", "Multiply") and len(args) == 2:  # a + b, written as an operation
        if not all(_is_tensor(a) for a in args):
            return _with_constant(name, kind, *args)
        args = [args]
    unknown = sorted(kwargs.keys() - _KNOWN_ARGUMENTS.get(kind, frozenset()))
    if unknown:
        hint = _MASKED if "mask" in unknown else ""
        raise BadInput(
            f"Layer {name!r} is called with {', '.join(unknown)!r}, which tf_keras cannot repeat here.", hint
        )
    if len(args) != 1 and kind != "MultiHeadAttention":
        raise BadInput(
            f"Layer {name!r} is called with {len(args)} inputs side by side, which tf_keras cannot repeat here."
        )
    return _telling(name, kind, lambda: layer(*args, **kwargs))


def _is_tensor(value: Any) -> bool:
    return type(value).__module__.startswith("tf_keras.")


def _with_constant(name: str, kind: str, a: Any, b: Any) -> Any:
    """x + 1, 1 - x or 2 * x as a Rescaling."""
    import tf_keras

    constant, x = (b, a) if _is_tensor(a) else (a, b)
    if not isinstance(constant, (int, float)):
        raise BadInput(f"Layer {name!r} computes with several constants.", "keras.layers.Rescaling takes them.")
    sign = -1.0 if kind == "Subtract" else 1.0
    if kind == "Multiply":
        scale, offset = float(constant), 0.0
    else:
        scale, offset = (sign, float(constant)) if x is b else (1.0, sign * float(constant))
    return tf_keras.layers.Rescaling(scale, offset=offset, name=name)(x)


def _twin_of(layer: Any) -> Any:
    return _telling(layer.name, type(layer).__name__, lambda: twin_layer(layer, _rebuild))


def _called(layer: Any, twin: Any, x: Any) -> Any:
    return _telling(layer.name, type(layer).__name__, lambda: twin(x))


def _telling(name: str, kind: str, work: Callable[[], Any]) -> Any:
    """What `work` returns; what tf_keras complains of there is told with the layer's name."""
    try:
        return work()
    except TinygenError:
        raise
    except Exception as error:
        first = (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
        raise BadInput(
            f"Layer {name!r}: {kind} has no equal in tf_keras: {first}", "Use ordinary Keras layers."
        ) from error


def _shape(tensor: Any) -> tuple[int | None, ...]:
    return tuple(tensor.shape)


def _dtype(tensor: Any) -> str:
    return str(getattr(tensor.dtype, "name", tensor.dtype))


def _copy_weights(model: Any, twin: Any) -> None:
    for layer in model.layers:
        if type(layer).__name__ in ("InputLayer", "Normalization"):
            continue
        other = twin.get_layer(layer.name)
        if type(layer).__name__ in ("Sequential", "Functional", "Model"):
            _copy_weights(layer, other)
            continue
        source = layer.layer if type(layer).__name__ == "SpectralNormalization" else layer
        values, shapes = source.get_weights(), [tuple(w.shape) for w in other.weights]
        if [v.shape for v in values] != shapes:
            raise BadInput(
                f"Layer {layer.name!r} has weights of the shapes {[list(v.shape) for v in values]}, "
                f"tf_keras wants {[list(s) for s in shapes]}."
            )
        other.set_weights(values)


def _check_same(model: Any, twin: Any) -> None:
    for inputs in _probes(model):
        if _difference(model(inputs, training=False), twin(inputs, training=False)) <= _TOLERANCE:
            continue
        name, difference = _first_difference(model, twin, inputs)
        raise BadInput(
            f"Layer {name!r} computes something else in Keras 2 than in Keras 3: relative difference {difference:.3g}.",
            "Replace that layer; the model was not converted.",
        )


def _probes(model: Any) -> Iterator[Any]:
    """Random inputs around 0, and as large as a byte's, for every input of the model; indices for an Embedding."""
    random = np.random.default_rng(0)
    for low, high in ((-1.0, 1.0), (0.0, 255.0)):
        arrays = []
        for tensor in model.inputs:
            shape = [2 if i == 0 and d is None else d or 8 for i, d in enumerate(tensor.shape)]
            words = [x.input_dim for x in model.layers if type(x).__name__ == "Embedding" and x.input is tensor]
            values: Any
            if words:
                values = random.integers(0, min(words), shape)
            else:
                limit = 1.0 if "int" in _dtype(tensor) else high
                values = random.uniform(min(low, limit), limit, shape)
            arrays.append(values.astype(_dtype(tensor)))
        yield arrays[0] if len(arrays) == 1 else arrays


def _flat(value: Any) -> list[Any]:
    if isinstance(value, dict):
        value = [value[key] for key in sorted(value)]
    return [np.asarray(v) for v in value] if isinstance(value, (list, tuple)) else [np.asarray(value)]


def _difference(ours: Any, theirs: Any) -> float:
    """Largest difference relative to the largest magnitude (at least 1); infinite where one alone is not finite."""
    worst = 0.0
    for a, b in zip(_flat(ours), _flat(theirs), strict=True):
        if a.shape != b.shape or (np.isfinite(a) != np.isfinite(b)).any():
            return float("inf")
        a, b = a[np.isfinite(a)], b[np.isfinite(b)]
        worst = max(worst, float(np.max(np.abs(a - b), initial=0.0)) / max(1.0, float(np.max(np.abs(a), initial=0.0))))
    return worst


def _first_difference(model: Any, twin: Any, inputs: Any) -> tuple[str, float]:
    import keras
    import tf_keras

    for layer in model.layers:
        if type(layer).__name__ == "InputLayer" or function_behind(layer) is not None:
            continue  # what stands behind such a layer has another name
        try:
            ours = keras.Model(model.inputs, layer.output)(inputs, training=False)
            theirs = tf_keras.Model(twin.inputs, twin.get_layer(layer.name).output)(inputs, training=False)
        except (AttributeError, ValueError):
            continue  # a layer called more than once has no single output; what follows it tells
        if (difference := _difference(ours, theirs)) > _TOLERANCE:
            return layer.name, difference
    return model.name, _difference(model(inputs, training=False), twin(inputs, training=False))
