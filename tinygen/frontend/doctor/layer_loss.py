"""Signal-to-noise per layer, float against int8: where the accuracy goes that quantization costs.

SQNR = 10 · log10(Σ float² / Σ (float − dequantized int8)²), over all samples and values of a layer's output. About 6 dB
a bit: full int8 layers keep 20 to 45 dB.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ...finding import Finding
from ...graph.ir import Graph, Op

Array = npt.NDArray[Any]
#: Below this the noise is a third of the signal; the layer is to blame that loses at least _LOSS_DB by itself.
_LEAST_DB, _LOSS_DB, _MOST_FINDINGS = 10.0, 3.0, 3


@dataclass(frozen=True)
class LayerLoss:
    """A layer's signal-to-noise in dB; None where int8 and float agree exactly or the layer gives zeros alone."""

    layer: str
    op: str
    snr_db: float | None


def layer_losses(graph: Graph, floats: Mapping[str, Array], ints: Mapping[int, Array]) -> list[LayerLoss]:
    """A row a layer whose tensor both sides have; `ints` by tensor index, [n, …]."""
    return [
        LayerLoss(op.name, op.kind, _snr(graph, op, floats[graph.output(op).name], ints[op.outputs[0]]))
        for op in graph.ops
        if _is_comparable(graph, op, floats, ints)
    ]


def tensors_to_keep(graph: Graph, floats: Mapping[str, Array]) -> list[int]:
    """The int8 tensors whose float values are known."""
    return [
        op.outputs[0]
        for op in graph.ops
        if len(op.outputs) == 1
        and graph.output(op).quant is not None
        and graph.output(op).dtype in ("int8", "int16")
        and graph.output(op).name in floats
        and floats[graph.output(op).name][0].size == graph.output(op).size
    ]


def loss_findings(graph: Graph, losses: list[LayerLoss]) -> list[Finding]:
    """The layers that lose the most, worst first: those that are noisy while what they read is not."""
    by_layer = {loss.layer: loss.snr_db for loss in losses}
    to_blame = []
    for op in graph.ops:
        snr = by_layer.get(op.name)
        if snr is None or snr >= _LEAST_DB:
            continue
        before = [by_layer.get(graph.producers[i].name) for i in op.inputs if i in graph.producers]
        known = [value for value in before if value is not None]
        if not known or min(known) - snr >= _LOSS_DB:
            to_blame.append((snr, op))
    to_blame.sort(key=lambda pair: pair[0])
    return [_finding(op, snr) for snr, op in to_blame[:_MOST_FINDINGS]]


def _finding(op: Op, snr: float) -> Finding:
    noise = 100 * 10 ** (-snr / 20)
    text = f"signal-to-noise {snr:.1f} dB: int8 puts {noise:.0f} % of noise on its output."
    hint = "Its values differ much in size by channel: clip or scale them, train on with quantization, or int16 here."
    return Finding("layer-loss", "warning", op.name, snr, "dB", text, hint)


def _is_comparable(graph: Graph, op: Op, floats: Mapping[str, Array], ints: Mapping[int, Array]) -> bool:
    return len(op.outputs) == 1 and op.outputs[0] in ints and graph.output(op).name in floats


def _snr(graph: Graph, op: Op, real: Array, q: Array) -> float | None:
    quant = graph.output(op).quant
    if quant is None:
        return None
    made = (q.astype(np.float64) - quant.zero_point) * quant.scale
    real = real.astype(np.float64).reshape(len(real), -1)
    signal, noise = float((real**2).sum()), float(((real - made.reshape(real.shape)) ** 2).sum())
    return None if signal == 0 or noise == 0 else 10 * math.log10(signal / noise)
