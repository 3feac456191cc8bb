"""The quantization doctor's visit: every check that the model at hand allows, and the layers' signal-to-noise."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .dataset import DataSet
from .errors import TinygenError
from .finding import Finding
from .frontend.doctor.examined import Examined
from .frontend.doctor.inputs import split_findings
from .frontend.doctor.kinds import float_findings, open_batch
from .frontend.doctor.layer_loss import LayerLoss, layer_losses, loss_findings, tensors_to_keep
from .frontend.doctor.outputs import missing_softmax, softmax_findings
from .frontend.doctor.ranges import range_findings
from .frontend.doctor.weights import dead_channels
from .frontend.importer import import_tflite
from .graph.ir import Graph
from .passes import optimize
from .preprocess import quantize_input
from .simulate.reference import reference


@dataclass(frozen=True)
class Diagnosis:
    """`findings`, warnings first; `layers` where both sides ran; `reason` says why they did not."""

    findings: tuple[Finding, ...]
    layers: tuple[LayerLoss, ...] = ()
    reason: str = ""

    def json(self) -> dict[str, Any]:
        """ "findings" and "layer_snr", as they go into a command's JSON."""
        rows = [{"layer": row.layer, "op": row.op, "snr_db": row.snr_db} for row in self.layers]
        return {"findings": [finding.json() for finding in self.findings], "layer_snr": rows}


def diagnose_file(tflite: bytes, name: str) -> Diagnosis:
    """What a .tflite alone shows. Raises BadInput for a file that is none."""
    graph = import_tflite(tflite, name, supported_only=False)
    found = [*float_findings(_folded(tflite, graph)), *dead_channels(graph), *softmax_findings(graph)]
    return Diagnosis(_sorted([*found, *open_batch(tflite, graph)]))


def diagnose(tflite: bytes, name: str, data: DataSet, examined: Examined) -> Diagnosis:
    """The same, with the data and the float model's layers: the int8 side runs on the reference kernels."""
    graph = import_tflite(tflite, name, supported_only=False)
    y = next((data.arrays[key] for key in ("y_train", "y_val", "y_test") if key in data.arrays), None)
    classes = y is not None and y.ndim == 1 and y.dtype.kind in "biu"
    ranges = range_findings(graph, examined.layers, examined.samples)
    found = [*examined.found, *split_findings(data), *ranges, *missing_softmax(graph, classes)]
    losses, reason = _losses(tflite, graph, examined)
    found += loss_findings(graph, losses)
    return Diagnosis(_sorted([*found, *diagnose_file(tflite, name).findings]), tuple(losses), reason)


def _losses(tflite: bytes, graph: Graph, examined: Examined) -> tuple[list[LayerLoss], str]:
    keep = tensors_to_keep(graph, examined.layers)
    if not keep or len(graph.inputs) != 1:
        return [], examined.reason or "no layer of the int8 model bears the name of a float one"
    x = graph.tensors[graph.inputs[0]]
    samples = examined.samples
    if x.quant is not None and samples.dtype == np.float32:
        samples = quantize_input(samples, None, x.quant.scale, x.quant.zero_point, x.dtype)
    with tempfile.TemporaryDirectory(prefix="tinygen-") as work:
        path = Path(work) / "model.tflite"
        path.write_bytes(tflite)
        try:
            run = reference(path, [row.tobytes() for row in samples], tensors=keep, every=True)
        except TinygenError as error:
            return [], error.line
    return layer_losses(graph, examined.layers, run.layers), ""


def _folded(tflite: bytes, graph: Graph) -> Graph:
    """With the float islands folded that tinygen folds; as it is where the passes do not take it."""
    try:
        return optimize(import_tflite(tflite, graph.name))
    except TinygenError:
        return graph


def _sorted(findings: list[Finding]) -> tuple[Finding, ...]:
    """Warnings first, and one finding a kind and layer; of constant layers the first, which makes the others so."""
    kept: dict[tuple[str, str], Finding] = {}
    for finding in findings:
        kept.setdefault((finding.kind, "" if finding.kind == "zero-range" else finding.layer), finding)
    return tuple(sorted(kept.values(), key=lambda finding: finding.severity != "warning"))
