"""Names of all kinds in a model become text in every file of a project, and the project computes what it should."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from hostile_models import path_of

from tinygen.backends.templating import c_string
from tinygen.boards import board_bytes
from tinygen.compiled import open_model
from tinygen.pipeline import Runtime, generate, render_project
from tinygen.project import KINDS, Kind
from tinygen.proof import simulate_project

pytestmark = [pytest.mark.needs_cc, pytest.mark.needs_tflm]


@pytest.mark.parametrize(
    ("board", "runtime", "kind"),
    [
        ("nucleo_f446re", "aot", "platformio"),
        ("esp32dev", "aot", "platformio"),
        ("esp32dev", "tflm", "platformio"),
        ("esp32dev", "tflm", "espidf"),
        ("esp32dev", "aot", "arduino"),
        ("nano33ble", "tflm", "arduino"),
        ("nano33ble", "aot", "cmake"),
    ],
)
def test_whole_projects(tmp_path: Path, board: str, runtime: Runtime, kind: Kind) -> None:
    before = {path.name for path in tmp_path.iterdir()}
    generate(open_model(path_of("names of all kinds")), board, tmp_path / "p", runtime=runtime, project=kind)
    assert {path.name for path in tmp_path.iterdir()} - before == {"p"}, "nothing outside of the folder"
    for path in (tmp_path / "p").rglob("*"):
        if path.is_file() and path.suffix != ".tflite":
            text = path.read_text("utf-8")
            assert all(c.isprintable() or c == "\n" for c in text), path
            assert "n" * 200 not in text or path.suffix == ".json", path
    report = simulate_project(tmp_path / "p", samples=3, on="native", sanitize=runtime == "aot")
    assert (report.mismatched_samples, report.first_mismatch) == (0, None)


#: What a profile of one's own may call its board and its serial line: one printable line.
TITLE = """x*/ ??/ "$(rm -rf ~)" ${HOME} $ENV{HOME} [[ ]] #{{ 7*7 }} \\n | ; ' \\"""
#: How a line begins that may hold it: a comment of C, of an .ini, of CMake, a heading, the text of library.properties.
PLACES = re.compile(r"( ?/?\*|[;#] |paragraph=)")


@pytest.mark.parametrize("kind", KINDS)
def test_a_boards_title_is_text(tmp_path: Path, kind: Kind) -> None:
    text = board_bytes("esp32dev").decode()
    assert text.count("title = ") == 1
    board = tmp_path / "mine.toml"
    board.write_text(re.sub(r"title = .*", lambda _: f"title = {json.dumps(TITLE)}", text))
    model = replace(open_model(path_of("names of all kinds")), version=TITLE, labels=(TITLE, "\n"))
    files, manifest = render_project(model, str(board), project=kind)
    of_title = ("x*/ ??/", "x*_/", "$(rm -rf")
    for path, data in files.items():
        if path not in ("board.toml", manifest.model.file):
            for line in data.decode().splitlines():
                held = any(part in line for part in of_title)
                quoted = json.dumps(TITLE) if path.endswith(".json") else c_string(TITLE)
                assert not held or PLACES.match(line) or quoted in line, (path, line)
    versions = [files[p].decode() for p in files if p.endswith(("library.json", "library.properties", ".yml"))]
    assert all("0.0.0" in text for text in versions) and len(versions) == (kind != "cmake")
    if kind == "arduino":
        check_properties(files[f"lib/{model.name}/library.properties"].decode(), model.name)


def check_properties(text: str, name: str) -> None:
    """By the library specification: the keys that it asks for, once, a line each."""
    pairs = [line.split("=", 1) for line in text.splitlines()]
    keys = [key for key, _ in pairs]
    needed = "name version author maintainer sentence paragraph category url architectures includes".split()
    assert keys == needed and all(value.strip() for _, value in pairs)
    assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9 _.-]*", dict(pairs)["name"]) and dict(pairs)["name"] == name  # type: ignore[arg-type]
