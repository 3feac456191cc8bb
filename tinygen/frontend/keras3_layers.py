"""The tf_keras layer for one Keras 3 layer: the same class, with the options that both know, without weights."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import BadInput
from .keras3_activations import functions

#: Keras 3 names an option differently from Keras 2.
_RENAMED = {"LeakyReLU": {"negative_slope": "alpha"}, "InputLayer": {"batch_shape": "batch_input_shape"}}
_SAME = {"silu": "swish"}
_DROPPED = ("_initializer", "_regularizer", "_constraint")
#: Keras 3 options that change nothing at inference, or that the weights say already.
_IGNORED = frozenset(
    "dtype batch_shape seed input_axes build_input_shape synchronized renorm renorm_clipping renorm_momentum "
    "quantization_config lora_rank lora_alpha rank zero_output_for_mask optional autocast activity_regularizer".split()
)
#: Layers that work while a model is trained and pass their input on at inference.
TRAINING_ONLY = frozenset(
    "AugMix CutMix Equalization MixUp RandAugment RandomColorDegeneration RandomColorJitter "
    "RandomElasticTransform RandomErasing RandomGaussianBlur RandomGrayscale RandomHue RandomInvert RandomPerspective "
    "RandomPosterization RandomSaturation RandomSharpness RandomShear Solarization".split()
)
_MODELS = ("Sequential", "Functional", "Model")


def twin_layer(layer: Any, rebuild: Callable[[Any, str], Any]) -> Any:
    """What computes the same when it is called: a tf_keras layer of that name, or one with functions behind it.

    `rebuild` is called for nested models. Raises BadInput where Keras 2 has no such layer.
    """
    import tf_keras

    kind = type(layer).__name__
    if kind in _MODELS:
        return rebuild(layer, layer.name)
    policy = getattr(getattr(layer, "dtype_policy", None), "compute_dtype", "float32")
    if policy != "float32":
        raise BadInput(f"Layer {layer.name!r} computes in {policy}.", "Save the model with the float32 policy.")
    if kind in TRAINING_ONLY:
        return tf_keras.layers.Activation("linear", name=layer.name)
    if kind == "SpectralNormalization":  # its weights are normalized already when it does not train
        return _named(twin_layer(layer.layer, rebuild), layer.name)
    if kind.startswith("Adaptive"):
        return _adaptive(layer, kind)
    twin_class = getattr(tf_keras.layers, kind, None)
    if twin_class is None:
        raise BadInput(f"Layer {layer.name!r}: tf_keras has no {kind}.", "Use a layer that Keras 2 has as well.")
    if kind == "Normalization":
        return twin_class(**_normalization(layer, dict(layer.get_config())))
    if kind in _WRAPPERS:
        return _WRAPPERS[kind](layer, twin_class, rebuild)
    behind = function_behind(layer)
    made = twin_class(**_options(layer, kind, twin_class, without_activation=behind is not None))
    return made if behind is None else _Followed(made, behind)


class _Followed:
    """A layer with a function of its output behind it."""

    def __init__(self, layer: Any, function: Callable[[Any], Any]) -> None:
        self.layer, self.function = layer, function

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.function(self.layer(*args, **kwargs))


def _named(layer: Any, name: str) -> Any:
    inner = layer.layer if isinstance(layer, _Followed) else layer
    inner._name = name
    return layer


def function_behind(layer: Any) -> Callable[[Any], Any] | None:
    """The function in the place of an activation that Keras 2 has not, where it can stand behind the layer."""
    config, kind = layer.get_config(), type(layer).__name__
    name = config.get("activation")
    name = name.get("config") if isinstance(name, dict) else name
    found = functions().get(name) if isinstance(name, str) else None
    return None if "recurrent_activation" in config or kind.endswith("Cell") or kind == "SimpleRNN" else found


def _options(layer: Any, kind: str, twin_class: Any, without_activation: bool = False) -> dict[str, Any]:
    accepted = _accepted(twin_class)
    defaults = inspect.signature(type(layer).__init__).parameters
    options: dict[str, Any] = {}
    for key, value in layer.get_config().items():
        default = defaults[key].default if key in defaults else inspect.Parameter.empty
        key = _RENAMED.get(kind, {}).get(key, key)
        if key in _IGNORED or key.endswith(_DROPPED) or (without_activation and key == "activation"):
            continue
        if key in ("activation", "recurrent_activation"):
            value = _activation(layer.name, value)
        elif key not in accepted:
            if value in (None, False, "channels_last") or _plain(value) == _plain(default):
                continue
            what = f"Layer {layer.name!r}: {kind} of tf_keras has no option {key!r}."
            raise BadInput(what, "Leave that option as Keras has it by default.")
        options[key] = tuple(value) if isinstance(value, list) and key != "axis" else value
    if without_activation and kind == "Activation":
        options["activation"] = "linear"
    return options


def _plain(value: Any) -> Any:
    return tuple(value) if isinstance(value, (list, tuple)) else value


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

        return twin_layer(keras.layers.deserialize(value), _no_model)
    if name == "hard_sigmoid":
        raise BadInput(
            f"Layer {layer!r}: hard_sigmoid is another function in Keras 2 than in Keras 3.", "Use sigmoid there."
        )
    if name in functions():
        raise BadInput(
            f"Layer {layer!r}: activation {name!r} is not known to Keras 2.",
            "Inside of a recurrent layer use one of relu, sigmoid, tanh, elu, selu, swish.",
        )
    return _SAME.get(str(name), name)


def _no_model(model: Any, name: str) -> Any:
    raise BadInput(f"A model {name!r} stands in the place of an activation.", "Put it behind the layer.")


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


def _adaptive(layer: Any, kind: str) -> Any:
    """Pooling to a given size, where that divides the input: then all windows are alike."""
    import tf_keras

    before, after = layer.input.shape[1:-1], layer.output.shape[1:-1]
    if any(b is None or b % a for b, a in zip(before, after)):
        raise BadInput(
            f"Layer {layer.name!r}: {kind} of {list(before)} to {list(after)} has windows of several sizes.",
            "Choose an output size that divides the input, or a pooling layer with a fixed window.",
        )
    windows = tuple(b // a for b, a in zip(before, after))
    return getattr(tf_keras.layers, kind.removeprefix("Adaptive"))(windows, name=layer.name)


def _bidirectional(layer: Any, twin_class: Any, rebuild: Any) -> Any:
    forward = _alone(layer.forward_layer, rebuild)  # both Keras put forward_ before its name
    _named(forward, forward.name.removeprefix("forward_"))
    return twin_class(layer=forward, merge_mode=layer.merge_mode, name=layer.name)


def _time_distributed(layer: Any, twin_class: Any, rebuild: Any) -> Any:
    return twin_class(layer=_alone(layer.layer, rebuild), name=layer.name)


def _rnn(layer: Any, twin_class: Any, rebuild: Any) -> Any:
    kept = ("return_sequences", "return_state", "go_backwards", "stateful", "unroll")
    options = {key: getattr(layer, key) for key in kept}
    return twin_class(_alone(layer.cell, rebuild), name=layer.name, **options)


def _stacked(cells: Any, twin_class: Any, rebuild: Any) -> Any:
    return twin_class([_alone(cell, rebuild) for cell in cells.cells], name=cells.name)


def _alone(layer: Any, rebuild: Any) -> Any:
    """The twin of a layer inside of another, where no function can stand behind it."""
    twin = twin_layer(layer, rebuild)
    if isinstance(twin, _Followed):
        name = layer.get_config().get("activation")
        raise BadInput(
            f"Layer {layer.name!r}: activation {name!r} is not known to Keras 2, inside of another layer.",
            "Put an Activation layer behind the outer one.",
        )
    return twin


_WRAPPERS: dict[str, Callable[[Any, Any, Any], Any]] = {
    "Bidirectional": _bidirectional,
    "TimeDistributed": _time_distributed,
    "RNN": _rnn,
    "StackedRNNCells": _stacked,
}
