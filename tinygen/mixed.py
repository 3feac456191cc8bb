"""Mixed precision by layer: int8, with activations of int16 in the layers that lose too much by it.

The layers are named, or taken in the order of the signal-to-noise that they lose, float against int8, each with those
that it reads from, until the model's output has the signal-to-noise that is asked for. Every candidate runs on the
reference kernels.
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from .boards import load_board
from .compiled import Model, compile_model
from .dataset import DataSet
from .diagnosis import Diagnosis, diagnose
from .errors import BadInput, suggest
from .frontend.importer import import_tflite
from .frontend.keras_loader import load_model
from .frontend.quantize import QuantizeResult, quantize_loaded
from .graph.ir import Graph
from .model_file import LoadedModel
from .worker import Progress, run_job

#: Layers that move values and compute none: in int16 where what they read is.
_MOVES = frozenset("RESHAPE SQUEEZE EXPAND_DIMS TRANSPOSE".split())
_MOST_CANDIDATES = 24
_BOARD = "qemu_mps2_an385"
#: About the signal-to-noise of an input in int8.
_INPUT_DB = 45.0


@dataclass(frozen=True)
class MixedOptions:
    """`layers` by the names that `inspect` shows, or none: chosen until the output has `min_snr` dB."""

    layers: tuple[str, ...] = ()
    min_snr: float = 20.0


def quantize_mixed(
    models: Sequence[LoadedModel],
    data: DataSet,
    options: MixedOptions,
    *,
    samples: int = 200,
    seed: int = 0,
    mean: Sequence[float] = (),
    std: Sequence[float] = (),
    progress: Progress | None = None,
) -> list[QuantizeResult]:
    """As `quantize_loaded`, in mixed precision; `facts` says which layers are of int16, and what that costs."""
    narrow, wide = (
        quantize_loaded(
            models, data, precision=precision, samples=samples, seed=seed, mean=mean, std=std,
            examine=precision == "int8", progress=progress,
        )
        for precision in ("int8", "int16x8")
    )  # fmt: skip
    return [
        _mixed(model.name, data, options, int8, int16x8, progress)
        for model, int8, int16x8 in zip(models, narrow, wide, strict=True)
    ]


def quantize_mixed_file(
    path: Path, data: DataSet, out: Path, options: MixedOptions, *, samples: int, seed: int, progress: Progress | None
) -> QuantizeResult:
    """Loads the model at `path` and writes it to `out` in mixed precision. Raises BadInput."""
    with tempfile.TemporaryDirectory(prefix="tinygen-") as work:
        loaded = load_model(path, work, progress=progress)
        [result] = quantize_mixed([loaded], data, options, samples=samples, seed=seed, progress=progress)
    try:
        out.write_bytes(result.tflite)
    except OSError as error:
        raise BadInput(f"{out}: cannot be written: {error.strerror}.") from error
    return result


def _mixed(
    name: str, data: DataSet, options: MixedOptions, narrow: QuantizeResult, wide: QuantizeResult,
    progress: Progress | None,
) -> QuantizeResult:  # fmt: skip
    assert narrow.examined is not None
    graph = import_tflite(narrow.tflite, name, supported_only=False)
    before = diagnose(narrow.tflite, name, data, narrow.examined)
    if not before.layers:
        raise BadInput(f"{name}: the layers' loss cannot be measured: {before.reason}.", "--precision int8 or int16x8.")
    snr = first = output_snr(graph, before)
    best, chosen = narrow.tflite, frozenset[int]()
    candidates = [_named(graph, options.layers)] if options.layers else _in_order(graph, before)
    if options.layers or snr < options.min_snr:
        best, chosen, snr = _search(name, data, options, narrow, wide, candidates, progress)
    facts = {
        "int16_layers": [graph.ops[i].name for i in sorted(chosen)],
        "snr_db_int8": _rounded(first),
        "snr_db": _rounded(snr),
        **_costs(name, narrow.tflite, best),
    }
    return replace(narrow, tflite=best, findings=(*narrow.findings, *_told(facts, options)), facts=facts)


def _search(
    name: str, data: DataSet, options: MixedOptions, narrow: QuantizeResult, wide: QuantizeResult,
    candidates: Sequence[frozenset[int]], progress: Progress | None,
) -> tuple[bytes, frozenset[int], float]:  # fmt: skip
    """(the first candidate with the signal-to-noise that is asked for, else the best one, its layers, its dB)."""
    assert narrow.examined is not None
    found: list[tuple[float, bytes, frozenset[int]]] = []
    for made, chosen in zip(_spliced(name, narrow.tflite, wide.tflite, candidates), candidates, strict=True):
        graph = import_tflite(made, name)
        snr = output_snr(graph, diagnose(made, name, data, narrow.examined))
        if progress is not None:
            progress(f"{name}: {len(chosen)} layers of int16: {snr:.1f} dB")
        if snr >= options.min_snr:
            return made, chosen, snr
        found.append((snr, made, chosen))
    snr, made, chosen = max(found, key=lambda one: one[0])
    return made, chosen, snr


def _spliced(name: str, narrow: bytes, wide: bytes, candidates: Sequence[Collection[int]]) -> list[bytes]:
    with tempfile.TemporaryDirectory(prefix="tinygen-") as work:
        folder = Path(work)
        request: dict[str, Any] = {"name": name, "folder": work, "chosen": [sorted(one) for one in candidates]}
        for key, content in (("int8", narrow), ("int16x8", wide)):
            (folder / f"{key}.tflite").write_bytes(content)
            request[key] = str(folder / f"{key}.tflite")
        run_job("tinygen.frontend.splice:splice_job", request, timeout_seconds=300.0)
        return [(folder / f"mixed{i}.tflite").read_bytes() for i in range(len(candidates))]


def output_snr(graph: Graph, found: Diagnosis) -> float:
    """dB of the model's output, of the noisiest layer where the output has no float twin; infinite where exact."""
    known = {row.layer: math.inf if row.snr_db is None else row.snr_db for row in found.layers}
    last = graph.producers[graph.outputs[0]].name
    return known[last] if last in known else min(known.values())


def _named(graph: Graph, layers: Sequence[str]) -> frozenset[int]:
    names = [op.name for op in graph.ops]
    for layer in layers:
        if layer not in names:
            raise BadInput(
                f"{graph.name}: no layer {layer!r} to be of int16.",
                suggest(layer, names) or f"`tinygen inspect` names them: {', '.join(names)[:300]}.",
            )
    return _with_moves(graph, {names.index(layer) for layer in layers})


def _in_order(graph: Graph, found: Diagnosis) -> list[frozenset[int]]:
    """The layer that loses the most with those that it reads from, whose values it needs finer; the two; and so on."""
    known = {row.layer: row.snr_db for row in found.layers if row.snr_db is not None}
    places = {tensor: i for i, op in enumerate(graph.ops) for tensor in op.outputs}
    computes = [i for i, op in enumerate(graph.ops) if op.name in known and op.kind not in (*_MOVES, "QUANTIZE")]

    def read_by(place: int) -> list[int]:
        return [places[tensor] for tensor in graph.ops[place].inputs if tensor in places]

    def loss(place: int) -> float:
        before = [known[graph.ops[i].name] for i in read_by(place) if graph.ops[i].name in known]
        return min(before, default=_INPUT_DB) - known[graph.ops[place].name]

    candidates, chosen = [], set[int]()
    for place in sorted(computes, key=lambda i: -loss(i)):
        chosen |= {place, *(i for i in read_by(place) if graph.ops[i].kind != "QUANTIZE")}
        candidates.append(_with_moves(graph, chosen))
    unique = list(dict.fromkeys(candidates))
    kept = np.unique(np.linspace(0, len(unique) - 1, min(len(unique), _MOST_CANDIDATES)).astype(int))
    return [unique[i] for i in kept]


def _with_moves(graph: Graph, chosen: Collection[int]) -> frozenset[int]:
    made = set(chosen)
    for i, op in enumerate(graph.ops):
        before = graph.producers.get(op.inputs[0]) if op.inputs else None
        if op.kind in _MOVES and before is not None and graph.ops.index(before) in made:
            made.add(i)
    return frozenset(made)


def _costs(name: str, narrow: bytes, mixed: bytes) -> dict[str, int]:
    """Arena of both on a portable core, and MACs; refuses what the ahead-of-time code does not take."""
    board = load_board(_BOARD)
    ours, theirs = (compile_model(Model(name, tflite), board) for tflite in (mixed, narrow))
    wide = [
        layer.macs
        for op, layer in zip(ours.graph.ops, ours.layers, strict=True)
        if op.inputs and ours.graph.tensors[op.inputs[0]].dtype == "int16" and op.kind != "QUANTIZE"
    ]
    return {
        "macs": sum(layer.macs for layer in ours.layers),
        "macs_int16": sum(wide),
        "arena_bytes": ours.plan.arena_bytes,
        "arena_bytes_int8": theirs.plan.arena_bytes,
    }


def _told(facts: dict[str, Any], options: MixedOptions) -> list[str]:
    layers, snr, first = facts["int16_layers"], facts["snr_db"], facts["snr_db_int8"]
    if not layers:
        return [f"Mixed precision: the output has {_db(first)} in int8; no layer needs int16."]
    told = [
        f"Mixed precision: int16 activations in {', '.join(layers)}; signal-to-noise of the output {_db(first)} in "
        f"int8, {_db(snr)} so; {facts['macs_int16']:,} of {facts['macs']:,} MACs in int16; arena "
        f"{facts['arena_bytes']:,} B, {facts['arena_bytes_int8']:,} B in int8."
    ]
    if snr is not None and snr < options.min_snr and not options.layers:
        told.append(f"Mixed precision: no choice of layers gives {options.min_snr:g} dB; this is the best.")
    return told


def _db(value: float | None) -> str:
    return "exactly the float one" if value is None else f"{value:.1f} dB"


def _rounded(value: float) -> float | None:
    return round(value, 2) if math.isfinite(value) else None
