"""A hand-written model rendered as a project for any board, and its arithmetic in numpy."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import numpy as np

from tinygen.backends.sim_support import sim_files
from tinygen.boards import BoardProfile
from tinygen.project import LayerRecord, Manifest, ModelRecord, PlanRecord, TensorRecord
from tinygen.resources import data_dir

HERE = Path(__file__).resolve().parent
LAYERS = (("first", "FULLY_CONNECTED", 16), ("second", "FULLY_CONNECTED", 4), ("sum", "ADD", 4))


def toy_manifest(board: str) -> Manifest:
    """The manifest that the toy model would have."""
    layers = tuple(
        LayerRecord(
            index=i, name=name, op=op, kernel="portable", tensors=(i + 1,), output_shape=(1, n), output_bytes=n,
            arena_offset=0, macs=16 * n, weights_bytes=0,
        )
        for i, (name, op, n) in enumerate(LAYERS)
    )  # fmt: skip
    tensor = {"dtype": "int8", "scale": 0.5, "zero_point": 0}
    return Manifest(
        tinygen="0",
        runtime="aot",
        board=board,
        model=ModelRecord(
            name="toy", version="1", file="model/toy.tflite", sha256=hashlib.sha256(b"").hexdigest(),
            inputs=(TensorRecord(name="x", shape=(1, 16), bytes=16, **tensor),),
            outputs=(TensorRecord(name="y", shape=(1, 4), bytes=4, **tensor),),
        ),
        plan=PlanRecord(arena_bytes=32, arena_lower_bound_bytes=32, state_bytes=4, weights_bytes=388, layers=layers),
        files={},
    )  # fmt: skip


class Render(Protocol):
    """Renders the toy for a board: `trouble` is C that runs between two layers, `edit` changes the C as a whole."""

    def __call__(self, board: BoardProfile, trouble: str = "", edit: Callable[[str], str] = ...) -> Path: ...


def render_toy(
    folder: Path, board: BoardProfile, trouble: str = "", edit: Callable[[str], str] = lambda text: text
) -> Path:
    """The toy as a rendered project in a new folder below `folder`."""
    project = folder / f"toy-{board.name}"
    source = project / "lib" / "toy" / "src"
    source.mkdir(parents=True)
    (project / "sim").mkdir()
    (project / "model").mkdir()
    code = (HERE / "toy" / "toy.c").read_text()
    assert code.count("TOY_TROUBLE;") == 1
    (source / "toy.c").write_text(edit(code.replace("TOY_TROUBLE;", trouble or ";")))
    (source / "toy.h").write_text((HERE / "toy" / "toy.h").read_text())
    (source / "tg.h").write_text((data_dir("firmware") / "runtime" / "tg.h").read_text())
    for name, text in sim_files(board, "toy").items():
        (project / "sim" / name).parent.mkdir(exist_ok=True)
        (project / "sim" / name).write_text(text)
    (project / "model" / "toy.tflite").write_bytes(b"")
    (project / "tinygen.json").write_text(toy_manifest(board.name).text())
    (project / "board.toml").write_text(board_toml(board))
    return project


def board_toml(board: BoardProfile) -> str:
    """The profile as a TOML file."""
    lines = []
    tables = []
    for key, value in board.model_dump(mode="json", by_alias=True, exclude_none=True).items():
        if isinstance(value, (list, tuple)) and all(isinstance(v, dict) for v in value):
            tables += [line for v in value for line in (f"[[{key}]]", *(_item(k, w) for k, w in v.items()))]
        elif isinstance(value, dict):
            tables += [f"[{key}]", *(_item(k, w) for k, w in value.items())]
        else:
            lines.append(_item(key, value))
    return "\n".join([*lines, *tables]) + "\n"


def _item(key: str, value: object) -> str:
    if isinstance(value, (list, tuple)):
        return f"{key} = [{', '.join(map(_value, value))}]"
    return f"{key} = {_value(value)}"


def _value(value: object) -> str:
    return json.dumps(value)


def _wrap(x: np.ndarray) -> np.ndarray:
    return x.astype(np.int64).astype(np.uint8).astype(np.int8)


def _dense(x: np.ndarray, w: np.ndarray, bias: np.ndarray) -> np.ndarray:
    total = w.astype(np.int64) @ x.astype(np.int64) + bias
    return _wrap(np.trunc(total / 3) + ((total * 0x12345678) >> 32))


def toy_reference(samples: list[bytes]) -> list[list[bytes]]:
    """Every layer's output for every sample, in order, from a reset state; computed in numpy."""
    a = np.zeros((16, 16))
    a[0] = [1, -2, 3, -4, 5, -6, 7, -8, 9, -10, 11, -12, 13, -14, 15, -16]
    for row, values in {
        1: [2, 2, 2],
        2: [-3, 5],
        3: [0, 7],
        4: [0, 0, 9],
        5: [11, -11],
        6: [13],
        7: [17],
        8: [19],
        9: [0, 0, 0, 0, 23],
        10: [29],
        11: [-31],
        12: [37],
        13: [41],
        14: [0, 43],
        15: [0] * 15 + [47],
    }.items():
        a[row, : len(values)] = values  # fmt: skip
    bias = np.array([100 * (i + 1) * (-1) ** i for i in range(16)])
    b = np.zeros((4, 16))
    b[0] = range(1, 17)
    b[1, :4] = [-1, 3, -5, 7]
    b[2, 2] = 1
    b[3, 0], b[3, 15] = 5, 1
    state = np.array([1, 2, 3, 4], np.int8)
    out = []
    for sample in samples:
        mid = _dense(np.frombuffer(sample, np.int8), a, bias)
        y = _dense(mid, b, np.zeros(4, np.int64))
        state = _wrap(state.astype(int) + y.astype(int))
        out.append([mid.tobytes(), y.tobytes(), state.tobytes()])
    return out
