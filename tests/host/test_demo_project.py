"""The demo as a project: digits split without overlap, a teacher worth learning from, a configuration that holds."""

from __future__ import annotations

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from tinygen.config import load_config
from tinygen.dataset import load_data
from tinygen.errors import BadInput
from tinygen.example_data import pressure
from tinygen.examples import EXAMPLES

pytestmark = [pytest.mark.needs_tensorflow, pytest.mark.slow]


def script(example: str, name: str) -> ModuleType:
    """A script of an example, as a module of its own."""
    spec = spec_from_file_location(f"{example}_{name}", EXAMPLES[example].folder / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_digits_are_split_without_overlap() -> None:
    pytest.importorskip("sklearn")
    made = script("digits", "train").data
    data, again = made(), made()
    assert all((data[key] == again[key]).all() for key in data)
    assert [len(data[f"x_{s}"]) for s in ("train", "val", "test")] == [1257, 180, 360]
    assert data["x_train"].shape[1:] == (8, 8, 1) and data["x_train"].max() == 16
    assert all(set(np.unique(data[f"y_{s}"])) == set(range(10)) for s in ("train", "val", "test"))


def test_recordings_and_windows_are_split_without_overlap() -> None:
    pytest.importorskip("aeon")
    motions = script("motions", "train").data()
    assert [len(motions[f"x_{s}"]) for s in ("train", "val", "test")] == [40, 12, 28]
    rows = np.concatenate([motions[f"x_{s}"].reshape(-1, 600) for s in ("train", "val", "test")])
    assert len(np.unique(rows, axis=0)) == 80
    train = script("anomaly", "train")
    parts = train.data()
    series, labels = pressure()
    last, first = parts["x_train"][-1], parts["x_val"][0]
    assert (last == series[train.TRAINED - 32 : train.TRAINED]).all()
    assert (first == series[train.TRAINED : train.TRAINED + 32]).all() and not labels[: train.NORMAL].any()
    assert len(parts["x_val"]) == 300 - 31 and (parts["x_test"][1] == series[1204:1236]).all()
    assert np.allclose(parts["y_test"] * 13 + 76, parts["x_test"], atol=1e-3)


def test_the_project_that_the_demo_writes(tmp_path: Path) -> None:
    pytest.importorskip("sklearn")
    import keras

    from tinygen.demo import write_demo

    path = write_demo(tmp_path / "demo", "esp32-c3-devkitm-1", epochs=12)
    ours = [path.parent / name for name in ("README.md", "train.py")]
    assert all(p.read_bytes() == (EXAMPLES["digits"].folder / p.name).read_bytes() for p in ours)
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
    with pytest.raises(BadInput, match="holds the example digits, not motions"):
        write_demo(tmp_path / "demo", example=EXAMPLES["motions"])
    ours[1].write_text("# mine")
    trained = config.model.path.stat().st_mtime_ns
    assert load_config(write_demo(tmp_path / "demo", "pico")).target.boards == ("pico",), "an unedited file follows"
    path.write_text(path.read_text("utf-8").replace("width = 8", "width = 6"), "utf-8")
    assert load_config(write_demo(tmp_path / "demo", "nano33ble")).target.boards == ("pico",), "an edited file is kept"
    assert config.model.path.stat().st_mtime_ns == trained
    assert not list(path.parent.glob(".*")) and ours[1].read_text() == "# mine"
