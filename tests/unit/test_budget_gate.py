"""The budget gate of rendered projects, on programs as frameworks' linker scripts lay them out and on damaged ones."""

from __future__ import annotations

import importlib.util
import json
import random
import struct
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from build_tflite import Node, T, build

from tinygen.backends.budget_gate import gate_files
from tinygen.boards import board_names, load_board
from tinygen.compiled import Model
from tinygen.pipeline import render_project
from tinygen.project import Manifest, ModelRecord, PlanRecord

PROGBITS, SYMTAB, STRTAB, NOBITS = 1, 2, 3, 8
WRITE, ALLOC, EXEC = 1, 2, 4
KIB = 1024
STACK = 264
Sections = list[tuple[str, int, int, int, int]]


def manifest(board: str) -> Manifest:
    record = ModelRecord(name="kws", version="1", file="m.tflite", sha256="0" * 64, inputs=(), outputs=())
    plan = PlanRecord(arena_bytes=1, arena_lower_bound_bytes=1, state_bytes=0, weights_bytes=5000, layers=())
    return Manifest(tinygen="0", runtime="aot", board=board, model=record, plan=plan, files={})


def elf(sections: Sections, objects: tuple[tuple[str, int, int], ...] = ()) -> bytes:
    """A 32-bit little-endian ELF with these (name, type, flags, address, size), and (name, size, section) variables."""
    names, strings = b"\0", b"\0"
    symbols = bytes(16)
    for name, size, index in objects:
        symbols += struct.pack("<3I2BH", len(strings), 0, size, 0x11, 0, index)
        strings += name.encode() + b"\0"
    table: list[tuple[str, int, int, int, int, int, int]] = [("", 0, 0, 0, 0, 0, 0)]
    data, at = b"", 52
    table += [(name, kind, flags, address, 52, size, 0) for name, kind, flags, address, size in sections]
    for name, kind, content in ((".symtab", SYMTAB, symbols), (".strtab", STRTAB, strings)):
        table.append((name, kind, 0, 0, at + len(data), len(content), len(sections) + 2))
        data += content
    for name, *_ in (*table, (".shstrtab",)):
        names += name.encode() + b"\0"
    table.append((".shstrtab", STRTAB, 0, 0, at + len(data), len(names), 0))
    data += names
    headers = b"".join(
        struct.pack("<10I", names.index(b"\0" + name.encode() + b"\0") + 1 if name else 0, kind, flags, address, offset,
                    size, link, 0, 0, 0)
        for name, kind, flags, address, offset, size, link in table
    )  # fmt: skip
    ident = b"\x7fELF\x01\x01\x01" + bytes(9)
    head = struct.pack("<2H5I6H", 2, 40, 1, 0, 0, at + len(data), 0, 52, 32, 0, 40, len(table), len(table) - 1)
    return ident + head + data + headers


@pytest.fixture
def gate(tmp_path: Path) -> ModuleType:
    return load_gate(tmp_path, "nucleo_f446re")


def load_gate(folder: Path, board: str) -> ModuleType:
    """tools/budget.py as it is rendered for a board, with its figures beside it."""
    profile = load_board(board)
    framework = profile.framework.name if profile.framework else ""
    for path, text in gate_files(profile, manifest(board), framework, STACK).items():
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).write_text(text)
    spec = importlib.util.spec_from_file_location("budget", folder / "tools" / "budget.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def told(gate: ModuleType, folder: Path, data: bytes, capsys: pytest.CaptureFixture[str], kind: str = "board") -> str:
    """What is printed, after the exit code."""
    (folder / "firmware.elf").write_bytes(data)
    code = gate.check(folder / "firmware.elf", kind)
    out, err = capsys.readouterr()
    assert (code == 0) is (err == "") and "Traceback" not in err
    return f"{code} {out}{err}".strip()


def stm32(bss: int) -> bytes:
    sections = [
        (".isr_vector", PROGBITS, ALLOC, 0x08000000, 512),
        (".text", PROGBITS, ALLOC | EXEC, 0x08000200, 20 * KIB),
        (".rodata", PROGBITS, ALLOC, 0x08008000, 24 * KIB),
        (".data", PROGBITS, ALLOC | WRITE, 0x20000000, 2 * KIB),
        (".bss", NOBITS, ALLOC | WRITE, 0x20000800, bss),
        ("._user_heap_stack", NOBITS, ALLOC | WRITE, 0x20000800 + bss, 1536),
        (".comment", PROGBITS, 0, 0, 9000),
    ]
    return elf(sections, (("kws_arena", 96 * KIB, 5), ("small", 8, 5), ("kws_weights", 120 * KIB, 3)))


def test_st_layout(gate: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Heap and stack of ST's linker script count, and the model's stack; initial values lie in flash too."""
    limit = 128 * KIB - STACK - 1536 - 2 * KIB
    fits = told(gate, tmp_path, stm32(limit), capsys)
    assert fits == "0 Budget of nucleo_f446re, stack included: Flash 46.5 KiB of 512.0 KiB, RAM 128.0 KiB of 128.0 KiB"
    over = told(gate, tmp_path, stm32(limit + 1), capsys)
    assert over == (
        "1 Error: RAM over budget on nucleo_f446re: needs 128.0 KiB, has 128.0 KiB, short by 1 B. "
        "Largest: .bss 124.2 KiB, in it kws_arena 96.0 KiB."
    )


def test_run_over_the_end(gate: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What begins behind the RAM has run over it; what lies far away is another memory."""
    sections = [
        (".text", PROGBITS, ALLOC | EXEC, 0x08000000, KIB),
        (".bss", NOBITS, ALLOC | WRITE, 0x20000000, 128 * KIB),
        (".noinit", NOBITS, ALLOC | WRITE, 0x20020000, 4 * KIB),
        (".backup", NOBITS, ALLOC | WRITE, 0x40024000, 4 * KIB),
    ]
    assert "needs 132.3 KiB, has 128.0 KiB, short by 4.3 KiB. Largest: .bss" in told(
        gate, tmp_path, elf(sections), capsys
    )


def test_esp32_counts_data_ram_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sections = [
        (".iram0.vectors", PROGBITS, ALLOC | EXEC, 0x40080000, KIB),
        (".iram0.text", PROGBITS, ALLOC | EXEC, 0x40080400, 60 * KIB),
        (".iram0.bss", NOBITS, ALLOC | WRITE, 0x40090000, KIB),
        (".dram0.data", PROGBITS, ALLOC | WRITE, 0x3FFB0000, 10 * KIB),
        (".dram0.bss", NOBITS, ALLOC | WRITE, 0x3FFB2800, 50 * KIB),
        (".flash.rodata", PROGBITS, ALLOC, 0x3F400020, 100 * KIB),
        (".flash_rodata_dummy", NOBITS, ALLOC | WRITE, 0x3F400020, 200 * KIB),
        (".flash.text", PROGBITS, ALLOC | EXEC, 0x400D0020, 200 * KIB),
        (".rtc.data", PROGBITS, ALLOC | WRITE, 0x50000000, KIB),
    ]
    gate = load_gate(tmp_path, "esp32dev")
    fits = told(gate, tmp_path, elf(sections), capsys)
    assert fits == "0 Budget of esp32dev, stack included: Flash 372.0 KiB of 1.00 MiB, RAM 68.3 KiB of 176.5 KiB"
    sections[7] = (".flash.text", PROGBITS, ALLOC | EXEC, 0x400D0020, 900 * KIB)
    over = told(gate, tmp_path, elf(sections), capsys)
    assert (
        "Flash over budget on esp32dev: needs 1.05 MiB, has 1.00 MiB, short by 48.0 KiB. Largest: .flash.text" in over
    )


def test_shared_instruction_ram_counts_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """On an ESP32-C3 code in RAM takes data RAM: .dram0.dummy skips it there."""
    sections = [
        (".iram0.text", PROGBITS, ALLOC | EXEC, 0x40380000, 50 * KIB),
        (".dram0.dummy", NOBITS, ALLOC | WRITE, 0x3FC80000, 50 * KIB),
        (".dram0.data", PROGBITS, ALLOC | WRITE, 0x3FC8C800, 8 * KIB),
        (".dram0.bss", NOBITS, ALLOC | WRITE, 0x3FC8E800, 20 * KIB),
        (".flash.text", PROGBITS, ALLOC | EXEC, 0x42000020, 90 * KIB),
    ]
    text = told(load_gate(tmp_path, "esp32-c3-devkitm-1"), tmp_path, elf(sections), capsys)
    assert "Flash 148.0 KiB of 1.00 MiB, RAM 86.3 KiB of 313.8 KiB" in text


def test_a_section_over_another_counts_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """On an ESP32-C6 code and data have one address space, and .dram0.dummy lies over the code."""
    sections = [
        (".dram0.dummy", NOBITS, ALLOC | WRITE, 0x40800000, 51 * KIB),
        (".iram0.text", PROGBITS, ALLOC | EXEC, 0x40800000, 50 * KIB),
        (".dram0.data", PROGBITS, ALLOC | WRITE, 0x4080CC00, 8 * KIB),
    ]
    text = told(load_gate(tmp_path, "esp32-c6-devkitc-1"), tmp_path, elf(sections), capsys)
    assert "Flash 58.0 KiB of 1.00 MiB, RAM 67.3 KiB of 441.5 KiB" in text


def test_a_heap_that_takes_what_is_left_does_not_count(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sections = [
        (".text", PROGBITS, ALLOC | EXEC, 0x10000, 90 * KIB),
        (".bss", NOBITS, ALLOC | WRITE, 0x20000200, 50 * KIB),
        (".heap", NOBITS, ALLOC | WRITE, 0x2000CA00, 256 * KIB - 0xCA00),
        (".stack_dummy", NOBITS, ALLOC | WRITE, 0x2003F000, 4 * KIB),
    ]
    text = told(load_gate(tmp_path, "nano33ble"), tmp_path, elf(sections), capsys)
    assert "RAM 52.3 KiB of 256.0 KiB" in text


def test_teensys_code_takes_ram_in_banks(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sections = [
        (".text.headers", PROGBITS, ALLOC, 0x60000000, 5 * KIB),
        (".text.progmem", PROGBITS, ALLOC, 0x60001800, 300 * KIB),
        (".text.itcm", PROGBITS, ALLOC | EXEC, 0x0, 33 * KIB),
        (".data", PROGBITS, ALLOC | WRITE, 0x20000000, 100 * KIB),
        (".bss", NOBITS, ALLOC | WRITE, 0x20019000, 40 * KIB),
        (".bss.dma", NOBITS, ALLOC | WRITE, 0x20200000, 12 * KIB),
    ]
    text = told(load_gate(tmp_path, "teensy41"), tmp_path, elf(sections), capsys)
    assert text.endswith("Flash 438.0 KiB of 7.75 MiB, RAM 212.3 KiB of 512.0 KiB, RAM (ocram) 12.0 KiB of 512.0 KiB")


@pytest.mark.parametrize("name", [name for name in board_names() if not load_board(name).core.startswith("xtensa")])
def test_in_the_simulator_the_framework_is_added(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The simulator's program has no framework in it; constants that a board copies to RAM count there."""
    board, gate = load_board(name), load_gate(tmp_path, name)
    entry = gate.json.loads((tmp_path / "tools" / "budget.json").read_text())["environments"]["sim"]
    flash, ram = (next(r for r in entry["regions"] if r["name"] == n) for n in (board.flash.name, board.ram.name))
    framework = board.framework.ram_bytes if board.framework else 0
    constants = 5000 if board.constants_in_ram else 0
    room = board.ram.size - framework - constants - STACK
    for bss, code in ((room, 0), (room + 1, 1)):
        sections = [
            (".text", PROGBITS, ALLOC | EXEC, flash["origin"], KIB),
            (".stack", NOBITS, ALLOC | WRITE, ram["origin"], 8 * KIB),
            (".bss", NOBITS, ALLOC | WRITE, ram["origin"] + 8 * KIB, bss),
        ]
        assert told(gate, tmp_path, elf(sections), capsys, "sim").startswith(str(code)), (name, bss)


def test_what_is_no_program_is_told(gate: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    whole = stm32(KIB)
    hosts = {b"": "not an ELF", b"!" * 99: "not an ELF", b"\x7fELF\x02\x01" + whole[6:]: "32-bit little-endian"}
    for data, word in {**hosts, b"\x7fELF\x01\x02" + whole[6:]: "32-bit little-endian"}.items():
        text = told(gate, tmp_path, data, capsys)
        assert text.startswith("1 Error: the budget of ") and word in text and "\n" not in text
    for end in range(4, len(whole), 7):
        assert told(gate, tmp_path, whole[:end], capsys).startswith("1 Error: the budget of ")
    (tmp_path / "tools" / "budget.json").write_text("{")
    assert "budget of" in told(gate, tmp_path, whole, capsys)


def test_damage_is_never_a_traceback(gate: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    chance, whole = random.Random(1), stm32(KIB)
    codes = set()
    for _ in range(600):
        data = bytearray(whole)
        for _ in range(chance.randint(1, 6)):
            data[chance.randrange(4, len(data))] = chance.choice((0, 1, 0x7F, 0xFF, chance.randrange(256)))
        codes.add(told(gate, tmp_path, bytes(data), capsys)[0])
    assert codes == {"0", "1"}


def test_it_runs_by_hand_without_tinygen(gate: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "firmware.elf").write_bytes(stm32(127 * KIB))
    command = [sys.executable, "-I", "-S", str(tmp_path / "tools" / "budget.py"), str(tmp_path / "firmware.elf")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1 and "RAM over budget on nucleo_f446re" in done.stderr
    assert subprocess.run([*command, "sim", "x"], capture_output=True, timeout=60).returncode == 1


@pytest.mark.parametrize("runtime", ["aot", "tflm"])
def test_every_project_has_the_gate(runtime: str) -> None:
    tensors = [
        T((1, 8), scales=(0.1,), zero_points=(0,)),
        T((4, 8), scales=(0.01,), zero_points=(0,), data=np.ones((4, 8), np.int8)),
        T((1, 4), scales=(0.5,), zero_points=(0,)),
    ]
    tflite = build(tensors, [Node("FULLY_CONNECTED", (0, 1, -1), (2,), "FullyConnectedOptions")], [0], [2])
    files, _ = render_project(Model("dense", tflite), "esp32dev", runtime=runtime)  # type: ignore[arg-type]
    ini = files["platformio.ini"].decode()
    assert "extra_scripts = post:tools/budget.py" in ini and "custom_budget = board" in ini
    board = json.loads(files["tools/budget.json"])["environments"]["board"]
    assert board["reserved"]["ram"]["stack and heap of espidf"] == 8192
    assert 0 < board["reserved"]["ram"]["stack of dense"] <= 1024
    assert {"tools/budget.py", "tools/budget.json"} <= files.keys()
    assert ("[env:sim]" in ini) is ("test/test_model/vectors.json" in files) is (runtime == "aot")
