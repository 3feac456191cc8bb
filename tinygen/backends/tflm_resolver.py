"""TensorFlow Lite Micro's operators: the MicroMutableOpResolver method for each, and which library lacks which."""

from __future__ import annotations

from ..errors import BadInput
from ..graph.ir import Graph

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

#: Methods that a pinned library's resolver has not got yet (its micro_mutable_op_resolver.h read against the above).
_SIGNAL = frozenset(method for name, method in CUSTOM.items() if name.startswith("Signal"))
ABSENT: dict[str, frozenset[str]] = {
    "Chirale_TensorFLowLite": _SIGNAL
    | {"AddBatchMatMul", "AddDecode", "AddDynamicUpdateSlice", "AddEmbeddingLookup", "AddReduceAll", "AddReduceMin"}
    | {"AddReverseV2"},
}

#: Operators that need more than one interpreter and its arena: resource variables and control flow.
NEEDS_MORE = frozenset({"VAR_HANDLE", "READ_VARIABLE", "ASSIGN_VARIABLE", "CALL_ONCE", "IF", "WHILE"})


def resolver_methods(graph: Graph, library: str = "") -> tuple[str, ...]:
    """The methods that add exactly the model's operators, each once, in the order of their first use.

    Raises BadInput, with the layer, for an operator that TFLM or the named library does not have.
    """
    methods: dict[str, None] = {}
    for op in graph.ops:
        if op.kind in NEEDS_MORE:
            raise BadInput(
                f"{op.name}: {op.kind} (resource variables, control flow) is not supported by the tflm back end.",
                "--runtime aot keeps variables in a static struct; control flow has to go from the Keras model.",
            )
        custom = op.kind.removeprefix("CUSTOM:")
        method = BUILTIN.get(op.kind) if custom == op.kind else CUSTOM.get(custom)
        if method is None:
            raise BadInput(
                f"{op.name}: TensorFlow Lite Micro has no {op.kind}.", "Replace the layer in the Keras model."
            )
        if method in ABSENT.get(library, frozenset()):
            raise BadInput(
                f"{op.name}: the library {library} that brings TensorFlow Lite Micro to this board has no {op.kind}.",
                "An ESP32 board (esp-tflite-micro) has it.",
            )
        methods[method] = None
    return tuple(methods)
