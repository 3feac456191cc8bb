"""A model in the form that tfmot can annotate: flat, and layers over one axis as the same layers over two of height 1.

tfmot knows no Conv1D and no nested model. TensorFlow Lite has no Conv1D either: its converter makes a Conv2D between
reshapes of it, so that what is trained here is what runs.
1. A call on [n, length, channels] of a kind in _LIFTED becomes one on [n, 1, length, channels], and stays there as
   long as the next calls are of such kinds; any other call gets the tensor back in its own shape.
2. Separable convolutions become their two halves.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ._rebuild import Twins, rebuild

_LIFTED = frozenset(
    "Conv1D DepthwiseConv1D SeparableConv1D MaxPooling1D AveragePooling1D GlobalAveragePooling1D GlobalMaxPooling1D "
    "ZeroPadding1D SpatialDropout1D".split()
)
#: Kinds that take one shape as well as the other; they stay in the one that their input has.
_EITHER = frozenset(
    "BatchNormalization Activation ReLU LeakyReLU ELU Dropout Add Subtract Multiply Maximum Minimum Average".split()
)


def lift(model: Any) -> Any:
    """The same function of the same input, with copies of the weights."""
    import tf_keras

    twins = Twins()
    work = _Lift(twins)
    inputs = tf_keras.Input(
        model.input_shape[1:], name=twins.name(model.inputs[0].name.partition("/")[0].split(":")[0])
    )
    outputs = work.lower(rebuild(model, [inputs], work.call), "output")
    made = tf_keras.Model(inputs, outputs[0] if isinstance(outputs, list) else outputs, name=model.name)
    twins.fill()
    return made


class _Lift:
    def __init__(self, twins: Twins) -> None:
        self.twins = twins
        self.lifted: dict[int, Any] = {}  # id of a lifted tensor to the tensor, which keeps the id its own

    def call(self, layer: Any, arguments: Any, keywords: dict[str, Any]) -> Any:
        import tensorflow as tf
        import tf_keras

        kind, given = type(layer).__name__, tf.nest.flatten(arguments)
        if kind in _LIFTED and _can_lift(layer):
            x = given[0]
            if id(x) not in self.lifted:
                shape = (1, *(int(d) for d in x.shape[1:]))
                x = tf_keras.layers.Reshape(shape, name=self.twins.name(f"{layer.name}_in"))(x)
            y = self._over_two(kind, layer, x)
            return y if kind.startswith("Global") else self._mark(y)
        if kind in _EITHER and given and all(id(x) in self.lifted for x in given):
            if kind == "BatchNormalization":
                config = {**layer.get_config(), "name": self.twins.name(layer.name), "axis": [3]}
                twin = self.twins.add(type(layer).from_config(config), layer.get_weights())
                return self._mark(twin(*arguments, **keywords))
            return self._mark(self.twins.call(layer, arguments, keywords))
        if kind == "SeparableConv2D" and _can_lift(layer):
            return self._separable(layer, given[0], layer.get_config(), layer.get_weights())
        return self.twins.call(layer, self.lower(arguments, layer.name), keywords)

    def lower(self, tensors: Any, name: str) -> Any:
        """The tensors in their own shapes."""
        import tensorflow as tf
        import tf_keras

        def one(x: Any) -> Any:
            if id(x) not in self.lifted:
                return x
            return tf_keras.layers.Reshape([int(d) for d in x.shape[2:]], name=self.twins.name(f"{name}_back"))(x)

        return tf.nest.map_structure(one, tensors)

    def _mark(self, tensor: Any) -> Any:
        self.lifted[id(tensor)] = tensor
        return tensor

    def _over_two(self, kind: str, layer: Any, x: Any) -> Any:
        """The call of a layer over one axis, made over two."""
        import tf_keras

        config = _config_over_two(kind, layer.get_config())
        weights = [w[None] if w.ndim >= 3 else w for w in layer.get_weights()]
        if kind == "SeparableConv1D":
            return self._separable(layer, x, config, weights)
        config["name"] = self.twins.name(layer.name)
        twin = getattr(tf_keras.layers, kind.replace("1D", "2D")).from_config(config)
        return self.twins.add(twin, weights)(x)

    def _separable(self, layer: Any, x: Any, config: dict[str, Any], weights: list[Any]) -> Any:
        """A separable convolution as a depthwise one and a pointwise one."""
        from tf_keras import layers

        first = {k: config[k] for k in ("kernel_size", "strides", "padding", "dilation_rate", "depth_multiplier")}
        depthwise = layers.DepthwiseConv2D(
            **first, use_bias=False, name=self.twins.name(f"{layer.name}_depthwise"), dtype=config["dtype"]
        )
        pointwise = layers.Conv2D(
            config["filters"], 1, activation=config["activation"], use_bias=config["use_bias"],
            name=self.twins.name(f"{layer.name}_pointwise"),
        )  # fmt: skip
        y = self.twins.add(depthwise, weights[:1])(x)
        return self.twins.add(pointwise, weights[1:])(y)


def _can_lift(layer: Any) -> bool:
    return (
        getattr(layer, "data_format", "channels_last") == "channels_last"
        and getattr(layer, "padding", "valid") != "causal"
        and not getattr(layer, "keepdims", False)
    )


def _config_over_two(kind: str, config: dict[str, Any]) -> dict[str, Any]:
    """The configuration of the layer over two axes. Depthwise strides must be equal: a stride over height 1 is none."""
    config = {key: value for key, value in config.items() if key != "name"}
    even = kind in ("DepthwiseConv1D", "SeparableConv1D")
    for key, other in (("kernel_size", 1), ("pool_size", 1), ("strides", None), ("dilation_rate", None)):
        if key in config and config[key] is not None:
            value = int(np.ravel(config[key])[0])
            config[key] = (value if other is None and even else 1, value)
    if kind == "ZeroPadding1D":
        config["padding"] = ((0, 0), tuple(config["padding"]))
    return config
