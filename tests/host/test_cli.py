"""The command line at work: what it prints and where, its JSON's keys, its exit codes, and a user's edited files."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from command_line import Said, tinygen
from small_models import MODELS

from tinygen import __version__

BUDGET = {"schema", "board", "fits", "source", "flash", "ram", "latency"}
INSPECT = {"schema", "model", "macs", "weights_bytes", "arena_bytes", "arena_lower_bound_bytes", "layers"}
LAYER = {"name", "op", "output_shape", "macs", "weights_bytes", "kernel"}
SIMULATION = set(
    "schema board simulator reference samples mismatched_samples max_abs_difference first_mismatch "
    "instructions_per_inference layers flash_bytes weights_bytes code_bytes ram_bytes arena_bytes state_bytes "
    "stack_bytes compiler compiler_version flags optimize runs metric".split()
)


def write(name: str, folder: Path) -> Path:
    path = folder / f"{name}.tflite"
    path.write_bytes(MODELS[name]().tflite)
    return path


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The dense model for a board of unicorn."""
    done(tinygen("generate", write("dense", tmp_path), "--board", "pico", "-o", tmp_path / "p", "-q"))
    return tmp_path / "p"


def done(said: Said, code: int = 0) -> Said:
    assert said.code == code, said.err
    assert "Traceback" not in said.err
    return said


def test_version_and_help() -> None:
    assert done(tinygen("--version")).out == f"tinygen {__version__}\n"
    assert done(tinygen()).out == done(tinygen("--help")).out == done(tinygen("-h")).out
    assert "generate" in tinygen("--help").out


def test_inspect_has_its_keys(tmp_path: Path) -> None:
    found = done(tinygen("inspect", write("conv", tmp_path), "--json", "-")).json
    assert found.keys() >= INSPECT and found["schema"] == "tinygen.inspect/1"
    assert all(layer.keys() >= LAYER for layer in found["layers"])
    assert found["macs"] == sum(layer["macs"] for layer in found["layers"]) == 8 * 8 // 4 * (72 + 36 + 12)
    assert [layer["output_shape"] for layer in found["layers"]][-1] == [1, 3]


@pytest.mark.needs_cross
def test_check_has_its_keys(project: Path, tmp_path: Path) -> None:
    linked = done(tinygen("check", project, "--json", "-")).json
    planned = done(tinygen("check", tmp_path / "dense.tflite", "--board", "pico", "--json", "-")).json
    assert (linked["source"], planned["source"]) == ("linked", "planned")
    for found in (linked, planned):
        assert found.keys() >= BUDGET and found["schema"] == "tinygen.budget/1" and found["fits"] is True
        assert found["flash"]["parts"].keys() >= {"weights", "code", "runtime", "framework"}
        assert found["ram"]["parts"].keys() >= {"arena", "static", "stack", "framework"}
        for memory in (found["flash"], found["ram"]):
            assert memory["used_bytes"] == sum(memory["parts"].values()) <= memory["limit_bytes"]
            assert memory["parts"]["framework"] > 0


@pytest.mark.needs_cross
def test_over_budget_is_exit_3_with_the_json(project: Path) -> None:
    said = tinygen("check", project, "--max-ram", "1K", "--max-flash", "1 KiB", "--json", "-")
    said.refused(3, "Flash over budget on pico", "RAM over budget", "short by", out=None)
    assert said.json["fits"] is False and said.json["ram"]["limit_bytes"] == 1024


@pytest.mark.needs_cross
@pytest.mark.needs_tflm
def test_simulate_has_its_keys(project: Path) -> None:
    found = done(tinygen("simulate", project, "--samples", "3", "--json", "-")).json
    assert found.keys() >= SIMULATION and found["schema"] == "tinygen.simulation/1"
    assert (found["samples"], found["mismatched_samples"], found["first_mismatch"]) == (3, 0, None)
    assert found["runs"][0]["input"] == "ramp"
    assert all(re.fullmatch("[0-9a-f]{8}", run["output_crc32"]) for run in found["runs"])
    assert all(layer.keys() >= {"name", "op", "macs", "instructions"} for layer in found["layers"])


@pytest.mark.needs_cross
@pytest.mark.needs_tflm
def test_differing_bits_are_exit_4_and_named(project: Path) -> None:
    weights = project / "lib" / "dense" / "src" / "dense_weights.c"
    text = weights.read_text()
    edited = re.sub(r"(_weights = \{\n\s+)(-?\d+)", r"\g<1>99", text)
    assert edited != text
    weights.write_text(edited)
    said = tinygen("simulate", project, "--json", "-")
    said.refused(4, "differ", "FULLY_CONNECTED", "expected", out=None)
    assert said.json["mismatched_samples"] > 0 and said.json["first_mismatch"]["expected"] is not None
    assert "edited by hand: lib/dense/src/dense_weights.c" in done(tinygen("check", project)).out


def test_an_edited_file_survives_and_is_named(project: Path, tmp_path: Path) -> None:
    mine = next((project / "src").glob("main.*"))
    path = mine.relative_to(project).as_posix()
    rendered = mine.read_text()
    mine.write_text("/* mine */\n")
    again = ("generate", tmp_path / "dense.tflite", "--board", "pico", "-o", project)
    assert f"kept, edited by you: {path}" in done(tinygen(*again)).out
    assert mine.read_text() == "/* mine */\n"
    assert done(tinygen(*again, "--json", "-")).json["kept"] == [path]
    assert f"yours is now {path}.orig" in done(tinygen(*again, "--force")).out.replace("\n", " ")
    assert mine.read_text() == rendered
    assert mine.with_name(f"{mine.name}.orig").read_text() == "/* mine */\n"


def test_quiet_says_nothing_and_json_goes_to_a_file(tmp_path: Path) -> None:
    model = write("dense", tmp_path)
    for args in (["inspect", model], ["boards"], ["generate", model, "--board", "pico", "-o", tmp_path / "p"]):
        said = done(tinygen(*args, "--quiet", "--json", tmp_path / "out.json"))
        assert (said.out, said.err) == ("", "")
        assert (tmp_path / "out.json").read_text().startswith('{\n "schema": "tinygen.')


@pytest.mark.needs_cross
@pytest.mark.needs_tflm
@pytest.mark.parametrize("width", [80, 60, 200])
def test_output_fits_the_terminal(width: int, tmp_path: Path) -> None:
    model = write("hostile", tmp_path)
    done(tinygen("generate", model, "--board", "pico", "-o", tmp_path / "p", "-q"))
    for args in (["inspect", model], ["check", tmp_path / "p"], ["simulate", tmp_path / "p"], ["boards"],
                 ["boards", "esp32dev"], ["doctor"], ["--help"]):  # fmt: skip
        said = done(tinygen(*args, COLUMNS=str(width)))
        lines = said.out.splitlines()
        assert lines and max(map(len, lines)) <= width, (args, max(lines, key=len))
        assert all(c.isprintable() or c == "\n" for c in said.out), args
    rows = tinygen("inspect", model, COLUMNS=str(width)).out.splitlines()
    assert len(rows) <= 1 + 9 + 2 + (width < 80), "a row a layer"


def test_no_color_and_narrow_encodings(tmp_path: Path) -> None:
    model = write("dense", tmp_path)
    assert "\x1b[" in tinygen("inspect", model, FORCE_COLOR="1", TERM="xterm").out
    assert "\x1b[" not in tinygen("inspect", model, FORCE_COLOR="1", TERM="xterm", NO_COLOR="1").out
    assert "\x1b[" not in tinygen("inspect", model).out
    assert "FULLY_CONNECTED" in done(tinygen("inspect", model, PYTHONIOENCODING="ascii")).out
    tinygen("boards", "бord", PYTHONIOENCODING="ascii").refused(2, "board")


def test_one_board_in_full() -> None:
    said = done(tinygen("boards", "nucleo_f446re")).out
    for word in ("ST Nucleo-F446RE", "cortex-m4f", "180 MHz", "512.0 KiB", "DS10693", "stm32cube", "unicorn"):
        assert word in said
    assert [b["name"] for b in done(tinygen("boards", "pico", "--json", "-")).json["boards"]] == ["pico"]


def test_boards_that_hold_a_model(tmp_path: Path) -> None:
    found = done(tinygen("boards", "--fits", write("dense", tmp_path), "--json", "-")).json["boards"]
    assert {"pico", "bluepill_f103c8"} <= {b["name"] for b in found}


@pytest.mark.needs_cross
@pytest.mark.needs_tflm
@pytest.mark.parametrize("name", MODELS)
def test_hostile_names_all_the_way(name: str, tmp_path: Path) -> None:
    path = tmp_path / "*; rm -rf $(x) .tflite"
    path.write_bytes(MODELS[name]().tflite)
    done(tinygen("generate", path, "--board", "qemu_mps2_an386", "-o", tmp_path / "p", "-q", "--keep-input"))
    found: dict[str, Any] = done(tinygen("simulate", tmp_path / "p", "--on", "native", "--json", "-")).json
    assert found["mismatched_samples"] == 0


@pytest.mark.needs_cc
@pytest.mark.needs_tflm
@pytest.mark.parametrize("name", ["model", "string", "conv2d", "tg_sim", "main"])
def test_models_named_like_headers(name: str, tmp_path: Path) -> None:
    path = tmp_path / f"{name}.tflite"
    path.write_bytes(MODELS["dense"]().tflite)
    done(tinygen("generate", path, "--board", "pico", "-o", tmp_path / "p", "-q"))
    found = done(tinygen("simulate", tmp_path / "p", "--on", "native", "--samples", "1", "--json", "-")).json
    assert found["mismatched_samples"] == 0


@pytest.mark.needs_tflm
def test_tflm_projects(tmp_path: Path) -> None:
    made = ("generate", write("conv", tmp_path), "--board", "nucleo_f446re", "-o", tmp_path / "p", "--runtime", "tflm")
    assert done(tinygen(*made, "--json", "-")).json["runtime"] == "tflm"
    assert done(tinygen("simulate", tmp_path / "p", "--json", "-")).json["mismatched_samples"] == 0
    assert done(tinygen("check", tmp_path / "p", "--json", "-")).json["source"] == "planned"


@pytest.mark.needs_models
@pytest.mark.parametrize(("board", "code"), [("nucleo_f401re", 0), ("bluepill_f103c8", 3)])
def test_a_real_model_on_a_board_that_holds_it_and_one_that_does_not(
    board: str, code: int, model_path: Callable[[str], Path]
) -> None:
    said = done(tinygen("check", model_path("vww_96_int8"), "--board", board), code)
    assert f"Budget on {board} (planned)" in said.out
    if code:
        said.refused(3, "short by", "Largest: arena", "Hint:", out=None)


def test_boards_and_help_import_little() -> None:
    """What makes them answer at once: no numpy, no template engine, no reader of models is loaded."""
    import subprocess
    import sys

    for args in ("['tinygen', 'boards', '-q']", "['tinygen', '--version']"):
        code = (
            f"import sys; sys.argv = {args}\nfrom tinygen.cli import main\n"
            "try:\n    main()\nfinally:\n    print(*sorted(m.split('.')[0] for m in sys.modules), file=sys.stderr)"
        )
        said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
        loaded = set(said.stderr.split())
        assert "tinygen" in loaded
        assert not loaded & {"numpy", "jinja2", "elftools", "unicorn", "tensorflow", "tflite_micro", "platformio"}
