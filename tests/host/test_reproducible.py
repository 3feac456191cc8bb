"""The same input gives the same bytes: in any folder, with any hash seed, locale, umask and time zone."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from command_line import tinygen
from small_models import MODELS

from tinygen.writing import sha256

#: One machine and another; locales that are not installed fall back to C, which is a difference too.
HERE = {"PYTHONHASHSEED": "1", "LC_ALL": "C", "LANG": "C", "TZ": "UTC", "HOME": "/nonexistent/a", "COLUMNS": "80"}
THERE = {
    "PYTHONHASHSEED": "4242", "LC_ALL": "tr_TR.UTF-8", "LANG": "de_DE.ISO-8859-1", "TZ": "Pacific/Kiritimati",
    "HOME": "/nonexistent/b", "COLUMNS": "200", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "SOURCE_DATE_EPOCH": "1",
}  # fmt: skip


def generated(
    model: Path, folder: Path, umask: int, environment: dict[str, str], options: tuple[str, ...]
) -> dict[str, bytes]:
    """The project's files by path, rendered from `folder` by relative paths."""
    folder.mkdir(parents=True)
    given = folder / f"{model.stem}.tflite"
    given.write_bytes(model.read_bytes())
    before = os.umask(umask)
    try:
        said = tinygen("generate", given.name, "-o", "out", "-q", *options, cwd=folder, **environment)
    finally:
        os.umask(before)
    assert said.code == 0, said.err
    return {
        p.relative_to(folder / "out").as_posix(): p.read_bytes() for p in (folder / "out").rglob("*") if p.is_file()
    }


def same_twice(model: Path, tmp_path: Path, *options: str) -> dict[str, bytes]:
    """Renders in two places under two environments; the files, which must not differ in name or byte."""
    here = generated(model, tmp_path / "a", 0o022, HERE, options)
    there = generated(model, tmp_path / "другая папка" / "b c", 0o077, THERE, options)
    assert sorted(here) == sorted(there)
    different = [path for path in here if here[path] != there[path]]
    assert not different, different
    return here


@pytest.mark.parametrize("runtime", ["aot", "tflm"])
@pytest.mark.parametrize("board", ["nucleo_f446re", "esp32-c3-devkitm-1"])
@pytest.mark.parametrize("name", ["conv", "hostile"])
def test_projects_are_reproducible(name: str, board: str, runtime: str, tmp_path: Path) -> None:
    model = tmp_path / f"{name}.tflite"
    model.write_bytes(MODELS[name]().tflite)
    files = same_twice(model, tmp_path, "--board", board, "--runtime", runtime)
    manifest = json.loads(files.pop("tinygen.json"))
    assert manifest["files"] == {path: sha256(data) for path, data in sorted(files.items())}
    text = b"".join(files.values())
    assert str(tmp_path).encode() not in text and b"nonexistent" not in text


@pytest.mark.needs_models
@pytest.mark.parametrize("runtime", ["aot", "tflm"])
def test_a_real_model_is_reproducible(runtime: str, model_path: Callable[[str], Path], tmp_path: Path) -> None:
    """Its planner searches with random numbers, whose seed is fixed."""
    assert same_twice(model_path("vww_96_int8"), tmp_path, "--board", "nucleo_l4r5zi", "--runtime", runtime)


def test_the_rendered_files_do_not_depend_on_what_was_there(tmp_path: Path) -> None:
    """A project that is rendered over another one equals one that is rendered anew."""
    model = tmp_path / "conv.tflite"
    model.write_bytes(MODELS["conv"]().tflite)
    fresh = generated(model, tmp_path / "fresh", 0o022, HERE, ("--board", "pico"))
    for board in ("esp32-c3-devkitm-1", "pico"):
        assert tinygen("generate", model, "--board", board, "-o", tmp_path / "p", "-q").code == 0
    over = {
        p.relative_to(tmp_path / "p").as_posix(): p.read_bytes() for p in (tmp_path / "p").rglob("*") if p.is_file()
    }
    assert over == fresh
