"""Profiles held to what PlatformIO's own board files say, as read from its repositories at the pinned versions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tinygen.boards import BoardProfile, PlatformIO, Region, board_names, load_board

#: The facts of each boards/<id>.json at the tag of the platform's version (of the fork: at its commit), nothing else.
FACTS: dict[str, dict[str, Any]] = json.loads(
    (Path(__file__).resolve().parent / "data" / "platformio_boards.json").read_text("utf-8")
)
#: ESP-IDF's linker script gives these more than the one figure that PlatformIO has for the whole ESP32 family, and its
#: check of RAM only warns.
MORE_RAM_THAN_TOLD = {
    "esp32-c6-devkitc-1",
    "esp32-s3-devkitc-1",
    "esp32s3box",
    "seeed_xiao_esp32c6",
    "seeed_xiao_esp32s3",
}
REAL = [name for name in board_names() if load_board(name).platformio]


def contradictions(board: BoardProfile, fact: dict[str, Any]) -> list[str]:
    """What a profile says otherwise than the board file, a line each."""
    spec = board.platformio
    assert spec is not None
    said = {
        "platform": spec.platform,
        "version": spec.version,
        "mcu": board.mcu,
        "f_cpu": board.clock_hz,
        "frameworks": list(spec.frameworks),
    }
    found = [f"{key}: {value!r}, not {fact[key]!r}" for key, value in said.items() if value != fact[key]]
    if board.core.removesuffix("f") != fact.get("cpu", board.core).removesuffix("f"):
        found.append(f"core: {board.core}, not {fact['cpu']}")
    may_exceed = board.name in MORE_RAM_THAN_TOLD and spec.default_framework == "espidf"
    found += limit(board, board.flash, fact["maximum_size"])
    found += limit(board, board.ram, fact["maximum_ram_size"], may_exceed=may_exceed)
    return found


def limit(board: BoardProfile, region: Region, told: int, *, may_exceed: bool = False) -> list[str]:
    """The region is PlatformIO's figure or less, and where it is not the same the profile names that figure."""
    if region.size > told and not may_exceed:
        return [f"{region.name}: {region.size:,} bytes, above {told:,}"]
    if region.size != told and f"{told:,}" not in region.source + board.notes:
        return [f"{region.name}: {region.size:,} bytes, and no word of {told:,}"]
    return []


def test_the_facts_are_of_all_boards_and_no_others() -> None:
    assert set(FACTS) == set(REAL) and len(REAL) >= 24
    for fact in FACTS.values():
        assert fact.keys() >= {"platform", "version", "mcu", "f_cpu", "maximum_size", "maximum_ram_size", "frameworks"}


@pytest.mark.parametrize("name", REAL)
def test_no_profile_contradicts_its_board_file(name: str) -> None:
    assert contradictions(load_board(name), FACTS[name]) == []


@pytest.mark.parametrize("name", MORE_RAM_THAN_TOLD)
def test_exceptions_are_needed(name: str) -> None:
    assert load_board(name).ram.size > FACTS[name]["maximum_ram_size"]


def changed(name: str, **changes: Any) -> BoardProfile:
    """A profile with other values in it, platformio's keys among them, and one of a region by its name."""
    board = load_board(name)
    spec = board.platformio
    assert spec is not None
    own = {key: value for key, value in changes.items() if key in PlatformIO.model_fields}
    sizes = {key: value for key, value in changes.items() if key in {region.name for region in board.regions}}
    regions = tuple(r.model_copy(update={"size": sizes.get(r.name, r.size)}) for r in board.regions)
    rest = {key: value for key, value in changes.items() if key not in own and key not in sizes}
    return board.model_copy(update={"platformio": spec.model_copy(update=own), "regions": regions, **rest})


@pytest.mark.parametrize(
    ("name", "changes", "told"),
    [
        ("nucleo_f411re", {"clock_hz": 84_000_000}, "f_cpu"),
        ("nucleo_f411re", {"mcu": "stm32f401ret6"}, "mcu"),
        ("nucleo_f411re", {"core": "cortex-m7"}, "core"),
        ("nucleo_f411re", {"flash": 1 << 20}, "flash: 1,048,576 bytes, above 524,288"),
        ("nucleo_f411re", {"sram": 1 << 18}, "sram"),
        ("nucleo_f411re", {"version": "19.5.0"}, "version"),
        ("nucleo_f411re", {"platform": "atmelsam"}, "platform"),
        ("nucleo_f411re", {"frameworks": ("arduino", "stm32cube")}, "frameworks"),
        ("teensy40", {"dtcm": 1 << 20}, "dtcm"),
        ("esp32dev", {"dram": 400_000}, "dram: 400,000 bytes, above 327,680"),
        ("seeed_xiao_esp32c3", {"flash": 3 << 20, "mcu": "esp32c6"}, "mcu"),
        ("pico", {"notes": "", "sram": 1 << 17}, "no word of 270,336"),
        ("nano33ble", {"flash": 1 << 20}, "flash"),
    ],
)
def test_a_changed_profile_is_caught(name: str, changes: dict[str, Any], told: str) -> None:
    assert [line for line in contradictions(changed(name, **changes), FACTS[name]) if told in line]
