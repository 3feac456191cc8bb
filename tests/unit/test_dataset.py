"""Data files: checked when read, never unpickled, representative samples chosen by seed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tinygen.dataset import fit_shape, load_data
from tinygen.errors import BadInput


def saved(tmp_path: Path, **arrays: Any) -> Path:
    path = tmp_path / "d.npz"
    np.savez(path, **arrays)
    return path


def refusal(path: Path) -> str:
    with pytest.raises(BadInput) as caught:
        load_data(path)
    assert "\n" not in caught.value.line
    return caught.value.line


def test_splits_and_types(tmp_path: Path) -> None:
    x, y = np.arange(6, dtype=np.uint8).reshape(3, 2), np.array([[0], [1], [2]])
    data = load_data(saved(tmp_path, x_train=x, y_train=y))
    pair = data.pair("train")
    assert pair is not None and pair[0].dtype == np.float32 and pair[1].shape == (3,)
    assert data.held_out is None and data.pair("test") is None


def test_held_out_is_the_test_split_first(tmp_path: Path) -> None:
    x, y = np.zeros((2, 1)), np.array([0, 1])
    assert load_data(saved(tmp_path, x_train=x, x_val=x, y_val=y)).held_out[0] == "val"  # type: ignore[index]
    assert load_data(saved(tmp_path, x_val=x, y_val=y, x_test=x, y_test=y)).held_out[0] == "test"  # type: ignore[index]


def test_npy_is_x_train(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.ones((4, 3)))
    assert load_data(tmp_path / "x.npy").representative_source[1].shape == (4, 3)


@pytest.mark.parametrize(
    ("arrays", "told"),
    [
        ({"x_trian": np.ones(3)}, "unknown array 'x_trian'. Hint: did you mean 'x_train'?"),
        ({"y_train": np.ones(3)}, "needs an array named x_train"),
        ({"x_train": np.ones((0, 3))}, "x_train is empty (shape [0, 3])"),
        ({"x_train": np.array(["a"])}, "not numbers"),
        ({"x_train": np.array([1j])}, "not numbers"),
        ({"x_train": np.array([[1.0], [np.nan], [np.inf]])}, "NaN or infinite values in 2 samples, first in sample 1"),
        ({"x_train": np.array([1e300])}, "NaN or infinite values in 1 samples, first in sample 0"),
        ({"x_train": np.ones((3, 2)), "y_train": np.ones(2)}, "x_train has 3 samples, y_train has 2"),
        ({"x_train": np.ones((3, 2)), "x_test": np.ones((3, 4))}, "samples differ in shape: x_train [2], x_test [4]"),
    ],
)
def test_refusals(tmp_path: Path, arrays: dict[str, Any], told: str) -> None:
    assert told in refusal(saved(tmp_path, **arrays))


class Trap:
    def __reduce__(self) -> Any:
        return (Path.touch, (Path("unpickled-by-tinygen"),))


def test_pickles_are_refused_and_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = saved(tmp_path, x_train=np.array([Trap()], dtype=object))
    assert "not a readable .npz or .npy file" in refusal(path)
    assert not Path("unpickled-by-tinygen").exists()


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"\x93NUMPY", b"\x93NUMPY\x01\x00\xff\xffxx", b"hello"])
def test_damaged_files(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "d.npz"
    path.write_bytes(content)
    assert "not a readable" in refusal(path)


def test_truncated_file(tmp_path: Path) -> None:
    path = saved(tmp_path, x_train=np.ones((100, 10)))
    path.write_bytes(path.read_bytes()[:-200])
    assert "not a readable" in refusal(path)


def test_representative_choice(tmp_path: Path) -> None:
    data = load_data(saved(tmp_path, x_train=np.arange(100.0)[:, None], x_test=np.ones((1, 1))))
    first, again, other = data.representative(10, 1), data.representative(10, 1), data.representative(10, 2)
    assert len(set(first.ravel().tolist())) == 10, "no repetition"
    assert (first == again).all() and not (first == other).all()
    assert len(data.representative(1000, 0)) == 100
    with pytest.raises(BadInput):
        data.representative(0, 0)


def test_fit_shape() -> None:
    x = np.zeros((5, 8, 8), np.float32)
    assert fit_shape(x, (1, 8, 8, 1), "x").shape == (5, 8, 8, 1)
    assert fit_shape(x[..., None], (1, 8, 8), "x").shape == (5, 8, 8)
    with pytest.raises(BadInput, match=r"samples have the shape \[8, 8\], the model wants \[64\]"):
        fit_shape(x, (1, 64), "x")
