"""Holds a SavedModel's operators to an allow-list, read from its protobuf, before TensorFlow loads anything of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ..errors import BadInput
from .keras_classes import MODELS, check_config
from .savedmodel_calls import SAVING, check_inference

#: Of each of the two protobufs: they hold no weights.
_LIMIT_BYTES = 1 << 25
_MAX_NODES = 200_000
_CALLS = (
    "Placeholder PlaceholderWithDefault Const Identity IdentityN NoOp StatefulPartitionedCall PartitionedCall If "
    "StatelessIf While StatelessWhile Cast Shape ShapeN Size Rank StopGradient PreventGradient Assert "
    "ReadVariableOp AssignVariableOp VarHandleOp VarIsInitializedOp VariableV2 DestroyResourceOp "
    "AssignAddVariableOp AssignSubVariableOp DisableCopyOnRead ResourceGather Switch Merge Enter Exit "
    "NextIteration LoopCond Fill Range ZerosLike OnesLike Select SelectV2 Where Bucketize"
)
_TEXTS = "StringJoin StaticRegexFullMatch Pack Unpack"
_ARITHMETIC = (
    "Abs Add AddN AddV2 Sub Mul Div DivNoNan RealDiv FloorDiv FloorMod Maximum Minimum Neg Square "
    "SquaredDifference Sqrt Rsqrt Pow Reciprocal Exp Expm1 Log Log1p Erf Erfc Sin Cos Floor Ceil Round Sign Mean "
    "Sum Prod Max Min All Any ArgMax ArgMin Cumsum Less LessEqual Greater GreaterEqual Equal NotEqual LogicalAnd "
    "LogicalOr LogicalNot ClipByValue MatMul BatchMatMul BatchMatMulV2 BatchMatMulV3 Einsum TopKV2"
)
_NEURAL = (
    "BiasAdd BiasAddV1 Conv2D Conv2DBackpropInput DepthwiseConv2dNative Conv3D MaxPool MaxPoolV2 AvgPool "
    "FusedBatchNorm FusedBatchNormV2 FusedBatchNormV3 Relu Relu6 LeakyRelu Elu Selu Sigmoid Tanh Softmax "
    "LogSoftmax Softplus Softsign L2Loss LRN SpaceToBatchND BatchToSpaceND SpaceToDepth DepthToSpace "
    "ResizeBilinear ResizeNearestNeighbor Pad PadV2 MirrorPad"
)
_SHAPES = (
    "Reshape Squeeze ExpandDims Transpose Concat ConcatV2 ConcatOffset Split SplitV Slice StridedSlice Gather "
    "GatherV2 GatherNd Tile BroadcastTo BroadcastArgs Reverse ReverseV2 OneHot ScatterNd InvertPermutation "
    "MatrixDiag MatrixDiagV3 TensorListFromTensor TensorListGetItem TensorListReserve TensorListSetItem "
    "TensorListStack TensorListElementShape TensorListLength EmptyTensorList"
)
_RANDOM = (
    "RandomUniform RandomUniformInt RandomStandardNormal TruncatedNormal StatelessRandomUniformV2 "
    "StatelessRandomGetKeyCounter"
)
ALLOWED = SAVING | frozenset(" ".join([_CALLS, _TEXTS, _ARITHMETIC, _NEURAL, _SHAPES, _RANDOM]).split())


def check_saved_model(folder: Path) -> bool:
    """Checks the folder's graph; True where Keras metadata is there and every class in it may be loaded.

    Raises BadInput naming the first operator or class that is not on its allow-list. Runs in the worker: TensorFlow's
    protobuf classes read the file, its loader does not.
    """
    from google.protobuf.message import DecodeError
    from tensorflow.core.protobuf import saved_model_pb2

    message = saved_model_pb2.SavedModel()
    try:
        message.ParseFromString(_read(folder / "saved_model.pb"))
    except (DecodeError, ValueError) as error:
        raise BadInput(f"{folder.name}: saved_model.pb is damaged.", "Export the model again.") from error
    if not message.meta_graphs:
        raise BadInput(f"{folder.name}: saved_model.pb holds no graph.", "Export the model again.")
    for meta in message.meta_graphs:
        library = meta.graph_def.library.function
        if len(meta.graph_def.node) + sum(len(f.node_def) for f in library) > _MAX_NODES:
            raise BadInput(f"{folder.name}: its graph has more than {_MAX_NODES} nodes.", "Export the inference alone.")
        functions = {f.signature.name for f in library}
        for node in (*meta.graph_def.node, *(n for f in library for n in f.node_def)):
            is_call = node.op in functions and node.op.startswith("__")  # a name that no operator has
            if node.op not in ALLOWED and not is_call:
                raise BadInput(
                    f"{folder.name}: node {node.name[:80]!r} is the operator {node.op[:80]!r}, "
                    "which is not on the allow-list.",
                    "Files, network, Python and custom operators are not run; export the model's inference alone.",
                )
        if meta.asset_file_def:
            raise BadInput(f"{folder.name}: it reads asset files.", "Export the inference part of the model alone.")
        check_inference(meta, folder.name)
    return _keras_metadata(folder)


def _keras_metadata(folder: Path) -> bool:
    path = folder / "keras_metadata.pb"
    if not path.is_file():
        return False
    from google.protobuf.message import DecodeError
    from tf_keras.protobuf import saved_metadata_pb2

    message = saved_metadata_pb2.SavedMetadata()
    try:
        message.ParseFromString(_read(path))
        entries = [(node.identifier, json.loads(node.metadata)) for node in message.nodes]
    except (DecodeError, ValueError, RecursionError) as error:
        raise BadInput(f"{folder.name}: keras_metadata.pb is damaged.", "Export the model again.") from error
    if not entries or not all(isinstance(entry, dict) for _, entry in entries):
        return False
    for identifier, entry in entries:
        _check_entry(identifier, entry, folder.name)
    return any(entry.get("class_name") in MODELS for _, entry in entries)


def _check_entry(identifier: str, entry: dict[str, Any], name: str) -> None:
    part = {"class_name": entry.get("class_name"), "config": entry.get("config")}
    if identifier == "_tf_keras_metric":  # restored beside the model: Keras's own by plain name alone
        if not str(part["class_name"]).isidentifier() or '"module"' in json.dumps(entry):
            raise BadInput(
                f"{name}: custom metric {str(part['class_name'])[:80]!r}.", "Save the model with compile=False."
            )
    elif part["class_name"] in MODELS:
        check_config(part, name)
    else:
        check_config({"class_name": "Sequential", "config": {"name": "model", "layers": [part]}}, name)


def _read(path: Path) -> bytes:
    try:
        if path.stat().st_size > _LIMIT_BYTES:
            raise BadInput(f"{path.name}: larger than {_LIMIT_BYTES} bytes.")
        return path.read_bytes()
    except OSError as error:
        raise BadInput(f"{path.name}: cannot be read: {error.strerror}") from error
