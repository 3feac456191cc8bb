"""The demo as a project: digits split without overlap, a teacher worth learning from, a configuration that holds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tinygen.config import load_config
from tinygen.dataset import load_data

pytestmark = [pytest.mark.needs_tensorflow, pytest.mark.slow]


def test_digits_are_split_without_overlap() -> None:
    pytest.importorskip("sklearn")
    from tinygen.demo import digits_data

    data, again = digits_data(), digits_data()
    assert all((data[key] == again[key]).all() for key in data)
    assert [len(data[f"x_{s}"]) for s in ("train", "val", "test")] == [1257, 180, 360]
    assert data["x_train"].shape[1:] == (8, 8, 1) and data["x_train"].max() == 16
    assert all(set(np.unique(data[f"y_{s}"])) == set(range(10)) for s in ("train", "val", "test"))


def test_the_project_that_the_demo_writes(tmp_path: Path) -> None:
    pytest.importorskip("sklearn")
    import keras

    from tinygen.demo import write_demo

    path = write_demo(tmp_path / "demo", "esp32-c3-devkitm-1")
    config = load_config(path)
    assert config.target.boards == ("esp32-c3-devkitm-1",) and [s.technique for s in config.compress] == [
        "distill",
        "prune",
    ]
    assert config.data is not None
    held_out = load_data(config.data.file).held_out
    assert held_out is not None
    _, x, y = held_out
    model = keras.models.load_model(config.model.path, compile=False)
    assert (np.asarray(model(x)).argmax(axis=1) == y).mean() >= 0.97
    trained = config.model.path.stat().st_mtime_ns
    assert load_config(write_demo(tmp_path / "demo", "pico")).target.boards == ("pico",), "an unedited file follows"
    path.write_text(path.read_text("utf-8").replace("width = 8", "width = 6"), "utf-8")
    assert load_config(write_demo(tmp_path / "demo", "nano33ble")).target.boards == ("pico",), "an edited file is kept"
    assert config.model.path.stat().st_mtime_ns == trained
    assert not list(path.parent.glob(".*"))
