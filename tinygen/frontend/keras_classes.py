"""Holds a Keras model's JSON to an allow-list before Keras deserialises any of it: no custom class, no Lambda, no code.

Keras looks classes and functions up by module and name, and some of its own layers call what the file names. So every
object in the JSON must be one of the names below, whichever Keras wrote it; what is not listed is refused by name.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..errors import BadInput
from .keras3_activations import TF_FUNCTIONS
from .keras3_layers import TRAINING_ONLY
from .keras_ways_out import way_out

MODELS = frozenset({"Sequential", "Functional", "Model"})
_CONVOLUTIONS = (
    "Conv1D Conv2D Conv1DTranspose Conv2DTranspose DepthwiseConv1D DepthwiseConv2D SeparableConv1D SeparableConv2D"
)
_POOLS = [
    *(f"{kind}Pooling{n}D" for n in (1, 2) for kind in ("Max", "Average", "AdaptiveMax", "AdaptiveAverage")),
    *(f"Global{kind}Pooling{n}D" for n in (1, 2, 3) for kind in ("Max", "Average")),
]
LAYERS = frozenset(
    [
        *"InputLayer Dense EinsumDense Embedding Identity".split(),
        *_CONVOLUTIONS.split(),
        *_POOLS,
        *"Flatten Reshape Permute RepeatVector Concatenate Dot".split(),
        *"Add Subtract Multiply Average Maximum Minimum".split(),
        *(f"{kind}{n}D" for n in (1, 2, 3) for kind in ("ZeroPadding", "UpSampling", "SpatialDropout")),
        *"Cropping1D Cropping2D Resizing CenterCrop".split(),
        *"Activation ReLU LeakyReLU PReLU ELU Softmax ThresholdedReLU ActivityRegularization".split(),
        *"BatchNormalization LayerNormalization GroupNormalization UnitNormalization SpectralNormalization".split(),
        *"Rescaling Normalization Dropout GaussianNoise GaussianDropout AlphaDropout".split(),
        *"LSTM GRU SimpleRNN LSTMCell GRUCell SimpleRNNCell StackedRNNCells RNN Bidirectional TimeDistributed".split(),
        *"Attention AdditiveAttention MultiHeadAttention LocallyConnected1D LocallyConnected2D".split(),
        *"RandomFlip RandomRotation RandomZoom RandomTranslation RandomContrast RandomBrightness RandomCrop".split(),
        *TRAINING_ONLY,
    ]
)
#: What `a + b` between layers becomes: in Keras 3 a class of its operations, in Keras 2 a TFOpLambda naming a function.
OPERATIONS = frozenset({"Add", "Subtract", "Multiply"})
ACTIVATIONS = frozenset(
    "linear relu relu6 leaky_relu elu selu gelu sigmoid hard_sigmoid tanh softmax softplus softsign swish silu "
    "hard_swish hard_silu exponential mish log_softmax celu glu hard_shrink hard_tanh log_sigmoid soft_shrink "
    "sparse_plus sparse_sigmoid squareplus tanh_shrink".split()
)
_INITIALIZERS = (
    "Zeros Ones Constant RandomNormal RandomUniform TruncatedNormal VarianceScaling GlorotNormal GlorotUniform "
    "HeNormal HeUniform LecunNormal LecunUniform Orthogonal OrthogonalInitializer IdentityInitializer Identity"
)
_PARTS = frozenset(
    [*_INITIALIZERS.split(), *"L1 L2 L1L2 MaxNorm NonNeg UnitNorm MinMaxNorm DTypePolicy Policy".split()]
)
_DATA = frozenset({"__keras_tensor__", "__numpy__", "__tensor__", "__tuple__", "TensorShape", "Tuple"})
_MODULES = frozenset(
    "keras keras.layers keras.models keras.initializers keras.regularizers keras.constraints keras.activations "
    "builtins keras.mixed_precision keras.dtype_policies keras.src.models.functional keras.src.models.sequential "
    "keras.engine.functional keras.src.engine.functional keras.engine.sequential tf_keras.src.engine.functional "
    "tf_keras.src.engine.sequential".split()
)
_OPERATION_MODULES = frozenset({"keras.src.ops.numpy", "keras.ops"})
#: tfmot's, around the layers of a model that was trained quantization-aware.
_AWARE = frozenset(
    "QuantizeWrapper QuantizeWrapperV2 QuantizeLayer QuantizeAwareActivation NoOpActivation OutputOnlyConfig "
    "Default8BitQuantizeConfig Default8BitConvQuantizeConfig Default8BitConvTransposeQuantizeConfig "
    "Default8BitOutputQuantizeConfig Default8BitActivationQuantizeConfig NoOpQuantizeConfig "
    "AllValuesQuantizer MovingAverageQuantizer LastValueQuantizer".split()
)
_AWARE_MODULE = "tensorflow_model_optimization.python.core.quantization.keras"
#: What those read and write of a layer.
_AWARE_ATTRIBUTES = frozenset({"kernel", "depthwise_kernel", "activation"})


def check_config(config: Any, file: str) -> None:
    """Raises BadInput naming the first object in a model's JSON that is not on the allow-list."""
    if not isinstance(config, dict) or str(config.get("class_name")) not in MODELS:
        kind = str(config.get("class_name"))[:80] if isinstance(config, dict) else type(config).__name__
        raise BadInput(
            f"{file}: the model is of class {kind!r}, not Sequential or Functional.",
            "A subclassed model needs its own code, which tinygen does not run: save a functional one.",
        )
    for entry, layer in _objects(config, "model"):
        _check(entry, layer, file)


def _objects(node: Any, layer: str, depth: int = 0) -> Iterator[tuple[dict[str, Any], str]]:
    """Every dict that names a class or a module, and every activation, with the name of the layer around it."""
    if depth > 200:
        raise BadInput(f"The model's JSON is nested deeper than {depth - 1} levels at {layer}.")
    if isinstance(node, dict):
        config = node.get("config")
        if (
            isinstance(config, dict)
            and isinstance(config.get("name"), str)
            and str(node.get("class_name")) in LAYERS | MODELS
        ):
            layer = config["name"]
        if "class_name" in node or "module" in node or "registered_name" in node:
            yield node, layer
        for key in ("activation", "recurrent_activation"):
            if isinstance(node.get(key), str):
                yield {"class_name": "function", "config": node[key]}, layer
        children = list(node.values())
    elif isinstance(node, list):
        children = node
    else:
        return
    for child in children:
        yield from _objects(child, layer, depth + 1)


def _check(entry: dict[str, Any], layer: str, file: str) -> None:
    name, module, registered = (entry.get(key) for key in ("class_name", "module", "registered_name"))
    if not all(part is None or isinstance(part, str) for part in (name, module, registered)):
        name, module, registered = str(name), "?", str(registered)
    config = entry.get("config")
    own = config.get("name") if isinstance(config, dict) else None
    where = f"{file}: layer {str(own or layer)[:80]!r}"
    if name in ("Lambda", "__lambda__") or (isinstance(config, dict) and config.get("class_name") == "__lambda__"):
        raise BadInput(
            f"{where} is a Lambda: it carries code, which tinygen does not run.", "Use Keras's own layers in its place."
        )
    if module in _OPERATION_MODULES and name in OPERATIONS:
        return
    if name in ("TFOpLambda", "SlicingOpLambda"):
        function = config.get("function") if isinstance(config, dict) else None
        if name == "TFOpLambda" and str(function) in TF_FUNCTIONS:
            return
        raise BadInput(
            f"{where} calls the TensorFlow function {str(function)[:80]!r}.", "Use Keras's own layers in its place."
        )
    if name == "function":
        if isinstance(config, str) and config in ACTIVATIONS:
            return
        hint = "Custom functions are code, which tinygen does not run; softmax, relu and the like are known."
        raise BadInput(f"{where}: unknown function {str(config)[:80]!r}.", hint)
    known = isinstance(name, str) and (name in LAYERS or name in MODELS or name in _PARTS or name in _DATA)
    if known and module in (None, *_MODULES) and registered in (None, name):
        return
    aware = name in _AWARE and str(module or _AWARE_MODULE).startswith(_AWARE_MODULE) and registered in (None, name)
    if aware and _attributes(config) <= _AWARE_ATTRIBUTES:
        return
    builtin = module is not None and str(module).startswith("keras.") and registered in (None, name)
    kind = "Keras class" if builtin else "custom class"
    shown = str(registered if not known and registered else name)[:80]
    raise BadInput(
        f"{where} is of the {kind} {shown!r}, which tinygen does not load.", way_out(name, module, registered)
    )


def _attributes(config: Any) -> set[str]:
    """The attributes of a layer that a wrapper's configuration names."""
    lists = [config.get(key) or [] for key in ("weight_attrs", "activation_attrs")] if isinstance(config, dict) else []
    return {str(name) for names in lists for name in (names if isinstance(names, list) else [names])}
