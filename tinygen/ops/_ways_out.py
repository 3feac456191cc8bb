"""What a refusal says to do: run the layer in TFLite Micro where that has it, else another way to the same end."""

from __future__ import annotations

from ..graph.ir import Graph, Op
from ..graph.tflm import has_operator, runs

_QUANTIZE = "`tinygen quantize` on the Keras model"
_REWRITTEN = f"{_QUANTIZE} writes it in operators that TensorFlow Lite Micro has."
_LOOP = "unroll=True in the recurrent layer keeps loops out of the model; its weights stay the same."
_VOLUMES = "Keep the depth among the channels and use 2D layers."
_AFTERWARDS = "End the model before it and let the program do the rest with its output."
_BEFORE = "Prepare it before the model: the firmware takes numbers."
_DEFINED = "As a table it must be defined for every int8 value: add a constant before it."
#: Hints of refusals that TFLite Micro shares.
AGAIN = "Convert the model again: the file's types do not fit together."
CONSTANT = "Make them constants of the model."
TEN_AT_A_TIME = f"{_QUANTIZE} puts ten together at a time."
FEWER = "Reshape to fewer dimensions before it."
OWN_LAYER = "Put the activation in a layer of its own."
_ANY = "Replace the layer in the Keras model; docs/operators.md lists what there is."

_WAYS_OUT: dict[str, str] = {
    **dict.fromkeys("EXP LOG SQRT SQUARE NEG SIN COS FLOOR CEIL ROUND GELU SELECT TILE".split(), _REWRITTEN),
    **dict.fromkeys("WHILE IF CALL RNN UNIDIRECTIONAL_SEQUENCE_RNN BIDIRECTIONAL_SEQUENCE_RNN".split(), _LOOP),
    **dict.fromkeys("LSTM BIDIRECTIONAL_SEQUENCE_LSTM".split(), "LSTM with unroll=True in the Keras model."),
    **dict.fromkeys("CONV_3D CONV_3D_TRANSPOSE".split(), _VOLUMES),
    **dict.fromkeys(
        "TOPK_V2 WHERE UNIQUE NON_MAX_SUPPRESSION_V4 NON_MAX_SUPPRESSION_V5 SEGMENT_SUM MULTINOMIAL".split(),
        _AFTERWARDS,
    ),
    **dict.fromkeys(
        "ONE_HOT BUCKETIZE HASHTABLE HASHTABLE_FIND HASHTABLE_LOOKUP HASHTABLE_IMPORT EMBEDDING_LOOKUP_SPARSE RFFT2D "
        "SPARSE_TO_DENSE LSH_PROJECTION".split(),
        _BEFORE,
    ),
    "POW": "x * x, or keras.ops.square and sqrt, in its place.",
    "REDUCE_ANY": "Leave masks out: train on windows of one length.",
    "REDUCE_PROD": "A sum of logarithms, or Multiply layers, in its place.",
    "LOCAL_RESPONSE_NORMALIZATION": "BatchNormalization in its place.",
}

#: Operators that are not defined for every number.
_PARTIAL = frozenset("LOG SQRT RSQRT DIV FLOOR_DIV FLOOR_MOD".split())
_WEIGHTED = frozenset("CONV_2D DEPTHWISE_CONV_2D FULLY_CONNECTED TRANSPOSE_CONV SVDF BATCH_MATMUL".split()) | {
    "UNIDIRECTIONAL_SEQUENCE_LSTM"
}


def shown(kind: str) -> str:
    """How an operator is named to a user."""
    if not kind.startswith("CUSTOM:"):
        return f"operator {kind}"
    name = kind.removeprefix("CUSTOM:")
    return f"custom operator {name}" if name else "a custom operator without a name"


def is_hybrid(graph: Graph, op: Op) -> bool:
    """Whether the weights alone are quantized: TFLM has no kernel for that."""
    tensors = [graph.tensors[i] for i in op.inputs if i >= 0]
    floats = any(t.dtype == "float32" and t.data is None for t in tensors)
    return op.kind in _WEIGHTED and floats and any(t.dtype in ("int8", "uint8") and t.data is not None for t in tensors)


def way_out_of(graph: Graph, op: Op, dtype: str) -> str:
    """The hint for a layer of a graph, whose data is of that type."""
    if dtype == "float32" and any(is_hybrid(graph, other) for other in graph.ops):
        return f"The weights alone are quantized: {_QUANTIZE}, or a representative_dataset, makes it full int8."
    inputs = {graph.tensors[i].dtype for i in graph.inputs}
    if dtype == "float32" and inputs & {"int8", "int16"} and runs(op.kind, dtype):
        return f"{_DEFINED if op.kind in _PARTIAL else ''} --runtime tflm runs it in float32."
    return way_out(op.kind, dtype)


def way_out(kind: str, dtype: str = "") -> str:
    """The hint for an operator on data of that type."""
    if runs(kind, dtype):
        if dtype == "float32":
            return f"{_QUANTIZE} makes it int8; --runtime tflm runs it in float32."
        return "--runtime tflm runs it."
    if kind.startswith("CUSTOM:Flex"):
        return "It needs TensorFlow itself: convert with TFLITE_BUILTINS_INT8 alone, without SELECT_TF_OPS."
    if kind.startswith("STABLEHLO_"):
        return "Convert with TensorFlow Lite's own operators: tf.lite.TFLiteConverter, TFLITE_BUILTINS_INT8."
    if dtype == "uint8":
        return "Such models come from TensorFlow 1: convert again with TensorFlow 2, which makes int8."
    if dtype == "float16":
        return f"{_QUANTIZE} makes it int8; TensorFlow Lite Micro has no float16."
    if kind in _WAYS_OUT:
        return _WAYS_OUT[kind]
    if has_operator(kind) and dtype not in ("", "int8"):
        return f"TensorFlow Lite Micro has no {kind} on {dtype} either; {_QUANTIZE} makes int8."
    return _ANY
