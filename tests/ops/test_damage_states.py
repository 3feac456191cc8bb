"""Damaged models of the layers that change a variable: refused with BadInput, or C that stays inside its buffers."""

from __future__ import annotations

import random
from pathlib import Path

import native
import pytest
import test_lstm as lstm
import test_svdf as svdf
from cases import MAX_INPUTS, generate
from test_damage import FLIPS, _accepted, _damaged
from test_damage import _values as _bytes

STRATEGIES = {"svdf": svdf.case(), "lstm_s8": lstm.sequence("int8"), "lstm_s16": lstm.sequence("int16")}


@pytest.mark.slow
@pytest.mark.parametrize("what", STRATEGIES)
def test_damaged_models_are_refused_or_safe(what: str, tmp_path: Path) -> None:
    generator = random.Random(5)
    graphs = []
    for case in generate(STRATEGIES[what], 8):
        found = (_accepted(_damaged(case.model, generator)) for _ in range(2 * FLIPS))
        graphs += [graph for graph in found if graph is not None and graph.ops][:12]
    assert len(graphs) > 60
    for start in range(0, len(graphs), MAX_INPUTS // 4):
        chunk = graphs[start : start + MAX_INPUTS // 4]
        samples = [[[_bytes(graph, i, generator) for i in graph.inputs]] * 3 for graph in chunk]
        native.run(chunk, samples, tmp_path / str(start))
