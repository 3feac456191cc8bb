"""A file written whole: the old bytes or the new ones, nothing beside it; what is no plain file stays what it is."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tinygen.writing import write_whole


def test_a_file_is_made_and_replaced(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    for data in (b"old", b"new and longer", b""):
        write_whole(path, data)
        assert path.read_bytes() == data
    assert os.listdir(tmp_path) == ["report.json"]


def test_the_old_bytes_stay_where_the_new_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "report.json"
    path.write_bytes(b"old")

    def full(_self: Path, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space"):
        write_whole(path, b"new")
    assert path.read_bytes() == b"old" and os.listdir(tmp_path) == ["report.json"]


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "there").write_bytes(b"old")
    (tmp_path / "here").symlink_to("there")
    write_whole(tmp_path / "here", b"new")
    assert (tmp_path / "here").is_symlink() and (tmp_path / "there").read_bytes() == b"new"


def test_a_device_is_written_as_it_stands() -> None:
    write_whole(Path(os.devnull), b"lost")
    assert not Path(os.devnull).is_file()
