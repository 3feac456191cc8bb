"""A converter that dies is no traceback: one line names the layer, found by bisection."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tinygen.dataset import DataSet
from tinygen.errors import BadInput
from tinygen.frontend import quantize
from tinygen.frontend.doctor.culprit import culprit
from tinygen.model_file import LoadedModel
from tinygen.worker import WorkerFault

LAYERS = [f"layer{i}" for i in range(13)]


class Converter:
    """Dies once the layer `bad` is among those that are converted."""

    def __init__(self, bad: int) -> None:
        self.bad, self.asked = bad, 0

    def __call__(self, request: dict[str, Any]) -> dict[str, Any]:
        self.asked += 1
        if request["layer"] is not None and LAYERS.index(request["layer"]) >= self.bad:
            raise WorkerFault("died", signal=6)
        return {"layers": LAYERS}


@pytest.mark.parametrize("bad", range(13))
def test_the_first_layer_that_kills_is_found(bad: int) -> None:
    converter = Converter(bad)
    assert culprit({}, converter) == LAYERS[bad] and converter.asked <= 5


def test_what_cannot_be_told() -> None:
    def dies(_: dict[str, Any]) -> dict[str, Any]:
        raise WorkerFault("died", signal=6)

    assert culprit({}, Converter(13)) == "" and culprit({}, dies) == ""


@pytest.mark.parametrize(("layer", "told"), [("odd", "m: layer 'odd': the TensorFlow Lite"), ("", "m: the TensorFlow")])
def test_the_line(monkeypatch: pytest.MonkeyPatch, layer: str, told: str) -> None:
    signal = 6

    def dies(*_: Any, **__: Any) -> dict[str, Any]:
        raise WorkerFault("quantize: the process ended with code -6 and no answer.", signal=signal)

    monkeypatch.setattr(quantize, "run_job", dies)
    monkeypatch.setattr(quantize, "culprit", lambda job: layer)
    model = LoadedModel("m.h5", "m.h5", "keras", "m", (1, 3), (1, 1), 4)
    data = DataSet("d.npz", {"x_train": np.ones((40, 3), np.float32)})
    with pytest.raises(BadInput) as caught:
        quantize.quantize_loaded([model], data)
    assert caught.value.line.startswith(told) and "crashes" in caught.value.line and caught.value.hint
    signal = 9
    with pytest.raises(WorkerFault):
        quantize.quantize_loaded([model], data)
