"""Damaged models of the operators that move and window data: refused with BadInput, or C that stays inside."""

from __future__ import annotations

import random
from pathlib import Path

import native
import pytest
import test_blocks as blocks
import test_edges as edges
import test_parts as parts
import test_resize as resize
import test_slices as slices
import test_transpose_conv as transpose_conv
from cases import MAX_INPUTS, generate
from test_damage import FLIPS, _accepted, _bytes, _damaged

from tinygen.graph.ir import Graph

STRATEGIES = {
    "transpose_conv": transpose_conv.case(),
    "nearest": resize.case("RESIZE_NEAREST_NEIGHBOR"),
    "bilinear": resize.case("RESIZE_BILINEAR"),
    "slice": slices.slices(),
    "gather": slices.gathers(),
    "split": parts.splits("SPLIT"),
    "split_v": parts.splits("SPLIT_V"),
    "unpack": parts.splits("UNPACK"),
    "pack": parts.packs(),
    "space_to_batch": blocks.batched("SPACE_TO_BATCH_ND", True),
    "batch_to_space": blocks.batched("BATCH_TO_SPACE_ND", True),
    "space_to_depth": blocks.depths("SPACE_TO_DEPTH"),
    "depth_to_space": blocks.depths("DEPTH_TO_SPACE"),
    "mirror_pad": edges.mirrors(),
    "broadcast_to": edges.broadcasts(),
    "reverse": edges.reversals(),
}


def _survivors(generator: random.Random) -> list[Graph]:
    """Damaged models that are taken: ours must run them, and the sanitizers watch."""
    graphs: list[Graph] = []
    for strategy in STRATEGIES.values():
        for case in generate(strategy, 3):
            found = (_accepted(_damaged(case.model, generator)) for _ in range(FLIPS))
            graphs += [graph for graph in found if graph is not None and graph.ops][:6]
    return graphs


@pytest.mark.slow
def test_damaged_models_are_refused_or_safe(tmp_path: Path) -> None:
    generator = random.Random(8)
    graphs = _survivors(generator)
    assert len(graphs) > 150
    size = MAX_INPUTS // 11
    for start in range(0, len(graphs), size):
        chunk = graphs[start : start + size]
        samples = [[[_bytes(graph, i, generator) for i in graph.inputs]] for graph in chunk]
        native.run(chunk, samples, tmp_path / str(start))
