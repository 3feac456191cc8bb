"""Data from the user's own function: every form it may give, and one line with the place where it fails."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tinygen.config import load_config
from tinygen.errors import BadInput
from tinygen.user_data import open_data

CODE = """
import numpy as np
from beside import SIZE

def named():
    print("noise")
    return {"x_train": np.ones((6, SIZE)), "y_train": np.arange(6), "x_test": np.zeros((2, SIZE))}

def pair():
    return np.ones((6, SIZE)), list(range(6))

def pairs():
    for i in range(6):
        yield np.full(SIZE, i), i

def alone():
    return (np.full(SIZE, i) for i in range(6))

def fails():
    return 1 / 0

def leaves():
    raise SystemExit(3)

def misnamed():
    return {"x_tran": np.ones(3)}

def text():
    return "x"

def nothing():
    yield from ()

def uneven():
    return np.ones((6, SIZE)), [1]
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "mine.py").write_text(CODE)
    (tmp_path / "beside.py").write_text("SIZE = 3\n")
    return tmp_path


@pytest.mark.parametrize(("name", "keys"), [("named", 3), ("pair", 2), ("pairs", 2), ("alone", 1)])
def test_every_form(folder: Path, name: str, keys: int) -> None:
    data = open_data(f"mine:{name}", folder)
    assert data.path == f"mine:{name}" and len(data.arrays) == keys
    assert data.arrays["x_train"].shape == (6, 3) and data.arrays["x_train"].dtype == np.float32
    if "y_train" in data.arrays:
        assert data.arrays["y_train"].tolist() == list(range(6))


@pytest.mark.parametrize(
    ("entry", "line"),
    [
        ("mine:fails", "mine:fails: ZeroDivisionError at mine.py:20: division by zero"),
        ("mine:leaves", "mine:leaves: SystemExit at mine.py:23: 3"),
        ("mine:misnamed", "gives an unknown array 'x_tran'. Hint: did you mean 'x_train'?"),
        ("mine:text", "mine:text: gives str that tinygen does not take as data."),
        ("mine:nothing", "mine:nothing: gives generator that tinygen does not take as data."),
        ("mine:uneven", "mine:uneven: x_train has 6 samples, y_train has 1."),
        ("mine:absent", "the module mine has no function 'absent'"),
        ("others:f", "others:f: ModuleNotFoundError: No module named 'others'"),
    ],
)
def test_one_line_says_what_failed(folder: Path, entry: str, line: str) -> None:
    with pytest.raises(BadInput) as caught:
        open_data(entry, folder)
    assert line in caught.value.line and "\n" not in caught.value.line


def test_the_configuration_takes_one_of_the_two(tmp_path: Path) -> None:
    path = tmp_path / "tinygen.toml"
    head = 'schema = 1\n[model]\npath = "m.keras"\n[target]\nboards = ["pico"]\n[data]\n'
    path.write_text(head + 'python = "mine:named"\n')
    config = load_config(path)
    assert config.data is not None and config.data.python == "mine:named" and config.data.file is None
    for wrong in ("", 'file = "d.npz"\npython = "mine:named"\n'):
        path.write_text(head + wrong)
        with pytest.raises(BadInput, match="give file or python"):
            load_config(path)
    path.write_text(head + 'python = "../mine.py"\n')
    with pytest.raises(BadInput, match=r"data\.python"):
        load_config(path)
