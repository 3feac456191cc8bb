"""tinygen boards: filters choose by what a program can have, and --fits plans a model on each board that is left."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from build_tflite import Node, T, build

from tinygen.boards import board_names, load_board
from tinygen.checking import planned_budget
from tinygen.commands import boards as boards_command
from tinygen.compiled import Model, compile_model
from tinygen.errors import BadInput
from tinygen.fits import Fit, fits


def dense_model(inputs: int, outputs: int) -> bytes:
    """A fully connected layer of inputs x outputs weights, of all values in no order: they are stored as they are."""
    weights = np.random.default_rng(0).integers(-127, 128, (outputs, inputs)).astype(np.int8)
    tensors = [
        T((1, inputs), scales=(0.1,), zero_points=(0,)),
        T((outputs, inputs), scales=(0.01,), zero_points=(0,), data=weights),
        T((1, outputs), scales=(0.5,), zero_points=(0,)),
    ]
    return build(tensors, [Node("FULLY_CONNECTED", (0, 1, -1), (2,), "FullyConnectedOptions")], [0], [2])


def boards(tmp_path: Path, **options: Any) -> dict[str, Any]:
    """The command's JSON."""
    target = tmp_path / "found.json"
    boards_command.command(json_target=str(target), quiet=True, **options)
    found: dict[str, Any] = json.loads(target.read_text())
    return found


def names(found: dict[str, Any], key: str = "boards") -> list[str]:
    return [board["name"] for board in found[key]]


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "dense.tflite"
    path.write_bytes(dense_model(96, 600))
    return path


def test_without_options_all_are_there(tmp_path: Path) -> None:
    assert names(boards(tmp_path)) == board_names()


@pytest.mark.parametrize(
    ("core", "cores"),
    [
        ("cortex-m4", {"cortex-m4f"}),
        ("cortex-m3", {"cortex-m3"}),
        ("cortex-m0", {"cortex-m0", "cortex-m0plus"}),
        (" CORTEX-M33 ", {"cortex-m33"}),
        ("xtensa", {"xtensa-lx6", "xtensa-lx7"}),
        ("rv32", {"rv32imc"}),
    ],
)
def test_a_core_by_its_beginning(tmp_path: Path, core: str, cores: set[str]) -> None:
    found = boards(tmp_path, core=core)["boards"]
    assert {board["core"] for board in found} == cores
    assert [b["name"] for b in found] == [name for name in board_names() if load_board(name).core in cores]


@pytest.mark.parametrize(
    ("core", "told"),
    [("cortex-m44", "did you mean 'cortex-m4'"), ("avr", "The cores are cortex-m0,"), ("cortex-m5", "cortex-m55"),
     ("cortex-m.", "did you mean"), ("(" * 4000, "The cores are")],
)  # fmt: skip
def test_an_unknown_core_is_refused(tmp_path: Path, core: str, told: str) -> None:
    with pytest.raises(BadInput) as caught:
        boards(tmp_path, core=core)
    assert told in caught.value.line and len(caught.value.line) < 300


@pytest.mark.parametrize("option", ["min_ram", "min_flash"])
def test_memory_is_what_a_program_can_have(tmp_path: Path, option: str) -> None:
    left = {name: getattr(load_board(name), f"{option[4:]}_left") for name in board_names()}
    for asked in (left["pico"], left["pico"] + 1, 1, 1 << 40):
        found = boards(tmp_path, **{option: str(asked)})
        assert names(found) == [name for name in board_names() if left[name] >= asked]
        assert [board[f"{option[4:]}_left_bytes"] for board in found["boards"]] == [left[n] for n in names(found)]
    assert "pico" not in names(boards(tmp_path, **{option: f"{left['pico'] / 1024 + 1:.0f}K"}))
    assert load_board("pico").ram.size == 1 << 18 and "pico" not in names(boards(tmp_path, min_ram="256K"))


def test_filters_are_all_meant(tmp_path: Path) -> None:
    found = names(boards(tmp_path, core="cortex-m4", min_ram="150K", min_flash="1 MiB"))
    assert found == ["nucleo_f429zi", "nucleo_l4r5zi", "qemu_mps2_an386"]


def test_bad_options_are_refused(tmp_path: Path, model: Path) -> None:
    for options in ({"min_ram": "3x"}, {"min_flash": "-1K"}, {"min_ram": "0"}):
        with pytest.raises(BadInput, match="--min"):
            boards(tmp_path, **options)
    for options in ({"fits": model}, {"core": "cortex-m0"}, {"min_ram": "1K"}, {"min_flash": "1K"}):
        with pytest.raises(BadInput, match="one board"):
            boards(tmp_path, name="pico", **options)


@pytest.mark.parametrize("size", [(4, 4), (96, 600), (512, 900), (2048, 8000)])
def test_fits_is_what_each_boards_own_budget_says(tmp_path: Path, size: tuple[int, int]) -> None:
    path = tmp_path / "dense.tflite"
    path.write_bytes(dense_model(*size))
    found = boards(tmp_path, fits=path)
    alone = {name: planned_budget(compile_model(Model("dense", path.read_bytes()), load_board(name)))
             for name in board_names()}  # fmt: skip
    assert sorted(names(found) + names(found, "too_small")) == board_names()
    assert set(names(found)) == {name for name, report in alone.items() if report.fits}
    for board in found["boards"] + found["too_small"]:
        report = alone[board["name"]]
        assert (board["flash"], board["ram"], board["fits"]) == (report.flash.json(), report.ram.json(), report.fits)
        assert board["flash"]["parts"]["framework"] == sum(
            taken.flash_bytes for taken in [load_board(board["name"]).framework] if taken
        )
        shares = [1 - board[memory]["used_bytes"] / board[memory]["limit_bytes"] for memory in ("flash", "ram")]
        assert board["headroom"] == round(min(shares), 4) and (board["headroom"] >= 0) is board["fits"]
    rooms = [board["headroom"] for board in found["boards"]]
    assert rooms == sorted(rooms)


def test_a_model_that_some_boards_hold(tmp_path: Path, model: Path) -> None:
    found = boards(tmp_path, fits=model)
    assert found["model"] == "dense"
    assert names(found, "too_small") == ["bluepill_f103c8"]
    assert boards(tmp_path, fits=model, core="cortex-m3", min_ram="1M").keys() == found.keys()
    assert names(boards(tmp_path, fits=model, core="cortex-m3")) == ["qemu_mps2_an385"]


def test_one_plan_serves_all_boards_of_an_instruction_set(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    planned = []

    def counted(*arguments: Any) -> Any:
        planned.append(arguments[1].features)
        return compile_model(*arguments)

    monkeypatch.setattr("tinygen.fits.compile_model", counted)
    profiles = [load_board(name) for name in board_names()]
    found = fits(Model("dense", model.read_bytes()), profiles)
    assert len(found) == len(profiles) and len(planned) == len({board.features for board in profiles})
    assert all(isinstance(fit, Fit) and fit.report.board == fit.board.name for fit in found)


def lines(capsys: pytest.CaptureFixture[str], **options: Any) -> list[str]:
    boards_command.command(**options)
    return [line.rstrip() for line in capsys.readouterr().out.splitlines()]


def test_tables_are_whole_in_80_columns(
    model: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    for options in ({}, {"fits": model}):
        text = lines(capsys, **options)
        assert max(len(line) for line in text) <= 80 and "…" not in "".join(text)
        shown = [line.split()[0] for line in text[2:]]
        assert sorted(shown) == [name for name in board_names() if not (options and name == "bluepill_f103c8")]
    first = lines(capsys, fits=model)[2].split()
    assert first[0] == "uno_r4_wifi" and first[-1] == "%" and first[-2].isdigit()


def test_nothing_left_is_said(model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert lines(capsys, min_ram="1G") == ["No board is like that."]
    assert lines(capsys, min_ram="1G", fits=model) == ["No board is like that."]
    large = tmp_path / "large.tflite"
    large.write_bytes(dense_model(3000, 3000))
    said = " ".join(lines(capsys, fits=large, core="cortex-m3"))
    assert said.startswith("No board holds large. Flash over budget on qemu_mps2_an385: needs")


def test_the_table_is_there_at_once() -> None:
    start = time.process_time()
    for name in board_names():
        load_board(name)
    assert time.process_time() - start < 2, "half a second for the command; this allows for a slow machine"


def test_constants_in_ram_count_there(model: Path) -> None:
    """Teensyduino's linker scripts put constants into DTCM: weights take RAM on a Teensy 4, and on no other board."""
    copied = {name for name in board_names() if load_board(name).constants_in_ram}
    assert copied == {"teensy40", "teensy41"}
    tflite = model.read_bytes()
    compiled = compile_model(Model("m", tflite), load_board("teensy41"))
    report = planned_budget(compiled, toolchain="gcc")
    assert report.ram.parts["constants"] == report.flash.parts["weights"] == compiled.weights_bytes > 57_600
    assert report.ram.used_bytes == sum(report.ram.parts.values()) == report.json()["ram"]["used_bytes"]
    assert "constants" not in planned_budget(compile_model(Model("m", tflite), load_board("pico"))).ram.parts
    tight = planned_budget(compiled, toolchain="gcc", max_ram=report.ram.used_bytes - 1)
    assert not tight.fits and "RAM over budget on teensy41" in tight.shortage
