"""What TensorFlow Lite Micro has: its operators, the resolver's method for each, and the types that kernels take."""

from __future__ import annotations

#: Method of MicroMutableOpResolver by builtin operator, read in micro_mutable_op_resolver.h (August 2026).
BUILTIN: dict[str, str] = dict(
    pair.split(":")
    for pair in """
    ABS:AddAbs ADD:AddAdd ADD_N:AddAddN ARG_MAX:AddArgMax ARG_MIN:AddArgMin ASSIGN_VARIABLE:AddAssignVariable
    AVERAGE_POOL_2D:AddAveragePool2D BATCH_MATMUL:AddBatchMatMul BATCH_TO_SPACE_ND:AddBatchToSpaceNd
    BROADCAST_ARGS:AddBroadcastArgs BROADCAST_TO:AddBroadcastTo CALL_ONCE:AddCallOnce CAST:AddCast CEIL:AddCeil
    CONCATENATION:AddConcatenation CONV_2D:AddConv2D COS:AddCos CUMSUM:AddCumSum
    DEPTHWISE_CONV_2D:AddDepthwiseConv2D DEPTH_TO_SPACE:AddDepthToSpace DEQUANTIZE:AddDequantize DIV:AddDiv
    DYNAMIC_UPDATE_SLICE:AddDynamicUpdateSlice ELU:AddElu EMBEDDING_LOOKUP:AddEmbeddingLookup EQUAL:AddEqual
    EXP:AddExp EXPAND_DIMS:AddExpandDims FILL:AddFill FLOOR:AddFloor FLOOR_DIV:AddFloorDiv FLOOR_MOD:AddFloorMod
    FULLY_CONNECTED:AddFullyConnected GATHER:AddGather GATHER_ND:AddGatherNd GREATER:AddGreater
    GREATER_EQUAL:AddGreaterEqual HARD_SWISH:AddHardSwish IF:AddIf L2_NORMALIZATION:AddL2Normalization
    L2_POOL_2D:AddL2Pool2D LEAKY_RELU:AddLeakyRelu LESS:AddLess LESS_EQUAL:AddLessEqual LOG:AddLog
    LOGICAL_AND:AddLogicalAnd LOGICAL_NOT:AddLogicalNot LOGICAL_OR:AddLogicalOr LOGISTIC:AddLogistic
    LOG_SOFTMAX:AddLogSoftmax MAXIMUM:AddMaximum MAX_POOL_2D:AddMaxPool2D MEAN:AddMean MINIMUM:AddMinimum
    MIRROR_PAD:AddMirrorPad MUL:AddMul NEG:AddNeg NOT_EQUAL:AddNotEqual PACK:AddPack PAD:AddPad PADV2:AddPadV2
    PRELU:AddPrelu QUANTIZE:AddQuantize READ_VARIABLE:AddReadVariable REDUCE_ALL:AddReduceAll
    REDUCE_MAX:AddReduceMax REDUCE_MIN:AddReduceMin RELU:AddRelu RELU6:AddRelu6 RESHAPE:AddReshape
    RESIZE_BILINEAR:AddResizeBilinear RESIZE_NEAREST_NEIGHBOR:AddResizeNearestNeighbor REVERSE_V2:AddReverseV2
    ROUND:AddRound RSQRT:AddRsqrt SELECT_V2:AddSelectV2 SHAPE:AddShape SIN:AddSin SLICE:AddSlice SOFTMAX:AddSoftmax
    SPACE_TO_BATCH_ND:AddSpaceToBatchNd SPACE_TO_DEPTH:AddSpaceToDepth SPLIT:AddSplit SPLIT_V:AddSplitV SQRT:AddSqrt
    SQUARE:AddSquare SQUARED_DIFFERENCE:AddSquaredDifference SQUEEZE:AddSqueeze STRIDED_SLICE:AddStridedSlice
    SUB:AddSub SUM:AddSum SVDF:AddSvdf TANH:AddTanh TRANSPOSE:AddTranspose TRANSPOSE_CONV:AddTransposeConv
    UNIDIRECTIONAL_SEQUENCE_LSTM:AddUnidirectionalSequenceLSTM UNPACK:AddUnpack VAR_HANDLE:AddVarHandle
    WHILE:AddWhile ZEROS_LIKE:AddZerosLike
    """.split()
)

#: The same for the custom operators that TFLM itself has.
CUSTOM: dict[str, str] = {
    "CIRCULAR_BUFFER": "AddCircularBuffer",
    "TFLite_Detection_PostProcess": "AddDetectionPostprocess",
    "TFLM_DECODE": "AddDecode",
    "SignalDelay": "AddDelay",
    "SignalEnergy": "AddEnergy",
    "SignalFftAutoScale": "AddFftAutoScale",
    "SignalFilterBank": "AddFilterBank",
    "SignalFilterBankLog": "AddFilterBankLog",
    "SignalFilterBankSpectralSubtraction": "AddFilterBankSpectralSubtraction",
    "SignalFilterBankSquareRoot": "AddFilterBankSquareRoot",
    "SignalFramer": "AddFramer",
    "SignalIrfft": "AddIrfft",
    "SignalOverlapAdd": "AddOverlapAdd",
    "SignalPCAN": "AddPCAN",
    "SignalRfft": "AddRfft",
    "SignalStacker": "AddStacker",
    "SignalWindow": "AddWindow",
}

#: Operators that need more than is planned for here: control flow, whose subgraphs have layers of their own.
NEEDS_MORE = frozenset({"IF", "WHILE"})

_FLOAT = "float32"
_QUANTIZED = "float32 int8 int16"
_WIDE = "float32 int8 int16 int32"
#: Types of the data input that a kernel takes, read in micro/kernels; an operator that is not listed takes any.
_TYPES: dict[str, str] = {
    **dict.fromkeys("CEIL COS EXP FLOOR FLOOR_DIV FLOOR_MOD L2_POOL_2D LOG NEG ROUND SIN SQRT SQUARE".split(), _FLOAT),
    **dict.fromkeys(
        "ADD_N ARG_MAX ARG_MIN BATCH_TO_SPACE_ND CUMSUM DEPTH_TO_SPACE ELU GATHER GATHER_ND HARD_SWISH "
        "L2_NORMALIZATION LOG_SOFTMAX MIRROR_PAD RESIZE_BILINEAR SPACE_TO_BATCH_ND SPACE_TO_DEPTH SVDF "
        "REDUCE_MAX REDUCE_MIN".split(),
        "float32 int8",
    ),
    **dict.fromkeys(
        "ABS AVERAGE_POOL_2D BATCH_MATMUL CONV_2D DEPTHWISE_CONV_2D FULLY_CONNECTED LEAKY_RELU LOGISTIC MAX_POOL_2D "
        "EXPAND_DIMS MEAN PRELU RELU RELU6 RESIZE_NEAREST_NEIGHBOR RSQRT SELECT_V2 SOFTMAX SUM TANH TRANSPOSE "
        "TRANSPOSE_CONV".split(),
        _QUANTIZED,
    ),
    **dict.fromkeys(
        "ADD DYNAMIC_UPDATE_SLICE MUL PAD PADV2 SPLIT SPLIT_V SQUARED_DIFFERENCE SUB UNPACK".split(), _WIDE
    ),
    **dict.fromkeys("GREATER_EQUAL LESS LESS_EQUAL".split(), "float32 int8 int32 int64"),
    **dict.fromkeys("EQUAL NOT_EQUAL".split(), "float32 int8 int32 int64 bool"),
    **dict.fromkeys("MAXIMUM MINIMUM PACK".split(), f"{_WIDE} int64"),
    **dict.fromkeys("LOGICAL_AND LOGICAL_NOT LOGICAL_OR REDUCE_ALL".split(), "bool"),
    **dict.fromkeys("SLICE STRIDED_SLICE CAST".split(), f"{_WIDE} bool"),
    "CONCATENATION": f"{_WIDE} int64 bool",
    "DEQUANTIZE": "int8 int16 uint8",
    **dict.fromkeys(("DIV", "FILL"), "float32 int8 int32"),
    "GREATER": "float32 int8 int16 int32 int64",
    "QUANTIZE": f"{_WIDE} uint8",
    "UNIDIRECTIONAL_SEQUENCE_LSTM": "int8 int16",
    "ZEROS_LIKE": "float32 int8 int32 int64",
}


def types_of(kind: str) -> tuple[str, ...] | None:
    """The types that TFLM's kernel takes; None where it takes any."""
    return tuple(_TYPES[kind].split()) if kind in _TYPES else None


def has_operator(kind: str) -> bool:
    """Whether TFLM has the operator in any type; custom ones are named "CUSTOM:<code>"."""
    return kind in BUILTIN or (kind.removeprefix("CUSTOM:") in CUSTOM and kind.startswith("CUSTOM:"))


def runs(kind: str, dtype: str = "") -> bool:
    """Whether `--runtime tflm` runs the operator on data of that type (of any, where it is not told)."""
    types = types_of(kind)
    return has_operator(kind) and kind not in NEEDS_MORE and (not dtype or types is None or dtype in types)
