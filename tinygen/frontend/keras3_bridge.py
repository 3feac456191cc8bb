"""Rebuilds a Keras 3 model as a tf_keras model: the same layers, calls and weights, then proof that the outputs agree.

How it goes:
1. every layer of Keras 3's config becomes the tf_keras layer of the same class, with the options that both know;
2. the layers are called again in the order of the config's nodes, so branches, shared layers and nested models hold;
3. weights are copied layer by layer;
4. both models run on the same random inputs; where they differ, the model is refused and the first such layer named.

Initializers are not carried over (the weights are), nor are regularizers and constraints.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

import numpy as np

from ..errors import BadInput

#: Keras 3 names an option differently from Keras 2.
_RENAMED = {"LeakyReLU": {"negative_slope": "alpha"}, "InputLayer": {"batch_shape": "batch_input_shape"}}
_ACTIVATIONS = {"silu": "swish", "hard_silu": "hard_swish"}
_DROPPED = ("_initializer", "_regularizer", "_constraint")
#: Keras 3 options that change nothing at inference, or that the weights say already.
_IGNORED = frozenset(
    "dtype batch_shape seed input_axes build_input_shape synchronized renorm renorm_clipping renorm_momentum "
    "quantization_config lora_rank lora_alpha rank zero_output_for_mask optional autocast activity_regularizer".split()
)
_TOLERANCE = 1e-5


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
            x = _twin_layer(layer)(x)
        return tf_keras.Model(inputs, x, name=name)
    made: dict[tuple[str, int, int], Any] = {}
    twins = {layer.name: _twin_layer(layer) for layer in model.operations if type(layer).__name__ != "InputLayer"}
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
    kwargs = {key: value(part) for key, part in node["kwargs"].items() if part is not None and key != "training"}
    if type(layer).__name__ in ("Add", "Subtract", "Multiply") and len(args) == 2:  # a + b, written as an operation
        constant = next((a for a in args if isinstance(a, (int, float, list))), None)
        if constant is not None:
            raise BadInput(f"Layer {name!r} computes with a constant.", "keras.layers.Rescaling does the same.")
        args = [args]
    if kwargs:
        raise BadInput(
            f"Layer {name!r} is called with {', '.join(sorted(kwargs))!r}, which tf_keras cannot repeat here."
        )
    if len(args) != 1:
        raise BadInput(
            f"Layer {name!r} is called with {len(args)} inputs side by side, which tf_keras cannot repeat here."
        )
    return layer(args[0])


def _shape(tensor: Any) -> tuple[int | None, ...]:
    return tuple(tensor.shape)


def _dtype(tensor: Any) -> str:
    return str(getattr(tensor.dtype, "name", tensor.dtype))


def _twin_layer(layer: Any) -> Any:
    """The tf_keras layer for one Keras 3 layer, nested models included, without its weights."""
    import tf_keras

    kind = type(layer).__name__
    if kind in ("Sequential", "Functional", "Model"):
        return _rebuild(layer, layer.name)
    twin_class = getattr(tf_keras.layers, kind, None)
    if twin_class is None:
        raise BadInput(f"Layer {layer.name!r}: tf_keras has no {kind}.", "Use a layer that Keras 2 has as well.")
    config = dict(layer.get_config())
    policy = getattr(getattr(layer, "dtype_policy", None), "compute_dtype", "float32")
    if policy != "float32":
        raise BadInput(f"Layer {layer.name!r} computes in {policy}.", "Save the model with the float32 policy.")
    if kind == "Normalization":
        return twin_class(**_normalization(layer, config))
    if kind in ("Bidirectional", "TimeDistributed"):
        inner = {"layer": _twin_layer(layer.forward_layer if kind == "Bidirectional" else layer.layer)}
        merge = {"merge_mode": layer.merge_mode} if kind == "Bidirectional" else {}
        return twin_class(**inner, **merge, name=layer.name)
    return twin_class(**_options(layer.name, kind, config, twin_class))


def _options(name: str, kind: str, config: dict[str, Any], twin_class: Any) -> dict[str, Any]:
    accepted = _accepted(twin_class)
    options: dict[str, Any] = {}
    for key, value in config.items():
        key = _RENAMED.get(kind, {}).get(key, key)
        if key in _IGNORED or key.endswith(_DROPPED):
            continue
        if key in ("activation", "recurrent_activation"):
            value = _activation(name, value)
        elif key not in accepted:
            if value in (None, False):
                continue
            raise BadInput(f"Layer {name!r}: {kind} of tf_keras has no option {key!r}.")
        options[key] = tuple(value) if isinstance(value, list) and key != "axis" else value
    return options


def _accepted(twin_class: Any) -> set[str]:
    names = {"name", "trainable"}
    for base in twin_class.__mro__:
        if "__init__" in vars(base):
            names |= set(inspect.signature(base.__init__).parameters)
    return names | {"return_sequences", "return_state", "go_backwards", "stateful", "unroll"}


def _activation(layer: str, value: Any) -> Any:
    name = value.get("config") if isinstance(value, dict) else value
    if isinstance(name, dict):  # an activation given as a layer: activation=keras.layers.ReLU(6.0)
        import keras

        return _twin_layer(keras.layers.deserialize(value))
    if name == "hard_sigmoid":
        raise BadInput(
            f"Layer {layer!r}: hard_sigmoid is another function in Keras 2 than in Keras 3.",
            "Use sigmoid, or relu6(x + 3) / 6.",
        )
    if name in ("leaky_relu", "relu6", "hard_silu", "hard_swish"):
        import tensorflow as tf

        if name == "relu6":
            return tf.nn.relu6
        raise BadInput(
            f"Layer {layer!r}: activation {name!r} is not known to Keras 2.", "Use a layer of its own for it."
        )
    return _ACTIVATIONS.get(str(name), name)


def _normalization(layer: Any, config: dict[str, Any]) -> dict[str, Any]:
    """Adapted statistics become constants of the twin, in the shape that it gives them."""
    mean, variance = np.asarray(layer.mean), np.asarray(layer.variance)
    axis = config["axis"]
    axis = tuple(axis) if isinstance(axis, (list, tuple)) else axis
    return {
        "name": layer.name,
        "axis": axis,
        "mean": mean.reshape(-1).tolist() if axis not in (None, ()) else float(mean.reshape(-1)[0]),
        "variance": variance.reshape(-1).tolist() if axis not in (None, ()) else float(variance.reshape(-1)[0]),
        "invert": bool(config.get("invert", False)),
    }


def _copy_weights(model: Any, twin: Any) -> None:
    for layer in model.layers:
        if type(layer).__name__ in ("InputLayer", "Normalization"):
            continue
        other = twin.get_layer(layer.name)
        if type(layer).__name__ in ("Sequential", "Functional", "Model"):
            _copy_weights(layer, other)
            continue
        values, shapes = layer.get_weights(), [tuple(w.shape) for w in other.weights]
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
    """Random inputs around 0, and as large as a byte's, for every input of the model."""
    random = np.random.default_rng(0)
    for low, high in ((-1.0, 1.0), (0.0, 255.0)):
        shapes = [[2 if i == 0 and d is None else d or 8 for i, d in enumerate(t.shape)] for t in model.inputs]
        limits = [1.0 if "int" in _dtype(t) else high for t in model.inputs]
        arrays = [
            random.uniform(min(low, limit), limit, shape).astype(_dtype(t))
            for t, shape, limit in zip(model.inputs, shapes, limits, strict=True)
        ]
        yield arrays[0] if len(arrays) == 1 else arrays


def _flat(value: Any) -> list[Any]:
    if isinstance(value, dict):
        value = [value[key] for key in sorted(value)]
    return [np.asarray(v) for v in value] if isinstance(value, (list, tuple)) else [np.asarray(value)]


def _difference(ours: Any, theirs: Any) -> float:
    """Largest difference relative to the largest magnitude (at least 1); infinite where one of them is not finite."""
    worst = 0.0
    for a, b in zip(_flat(ours), _flat(theirs), strict=True):
        if a.shape != b.shape or not np.isfinite(b).all():
            return float("inf")
        worst = max(worst, float(np.max(np.abs(a - b), initial=0.0)) / max(1.0, float(np.max(np.abs(a), initial=0.0))))
    return worst


def _first_difference(model: Any, twin: Any, inputs: Any) -> tuple[str, float]:
    import keras
    import tf_keras

    for layer in model.layers:
        if type(layer).__name__ == "InputLayer":
            continue
        try:
            ours = keras.Model(model.inputs, layer.output)(inputs, training=False)
            theirs = tf_keras.Model(twin.inputs, twin.get_layer(layer.name).output)(inputs, training=False)
        except (AttributeError, ValueError):
            continue  # a layer called more than once has no single output; what follows it tells
        if (difference := _difference(ours, theirs)) > _TOLERANCE:
            return layer.name, difference
    return model.name, _difference(model(inputs, training=False), twin(inputs, training=False))
