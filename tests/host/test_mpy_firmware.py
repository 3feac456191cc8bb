"""Modules in a MicroPython given by path: outputs and heap by storage, and every way in which such a program fails."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from ring_model import ring
from small_models import MODELS

from tinygen.boards import load_board
from tinygen.compiled import Model, compile_model, open_model
from tinygen.errors import BadInput, MissingTool
from tinygen.micropython import firmware_run
from tinygen.micropython.firmware_machine import machine_command
from tinygen.micropython.firmware_run import FirmwareRun, run_in_firmware
from tinygen.micropython.module import module_source
from tinygen.micropython.native import NativeModule, build_native
from tinygen.micropython.programs import find_program
from tinygen.micropython.raw_repl import RawRepl
from tinygen.simulate.reference import reference

FAKE = Path(__file__).resolve().parent / "raw_repl_fake.py"
needs_micropython = [pytest.mark.needs_micropython, pytest.mark.needs_cc, pytest.mark.needs_tflm]


@dataclass(frozen=True)
class Case:
    module: NativeModule
    samples: list[bytes]
    outputs: tuple[bytes, ...]

    def run(self, firmware: Path, timeout_s: float = 60) -> FirmwareRun:
        return run_in_firmware(firmware, {"_it.mpy": self.module.data}, "_it", self.samples, timeout_s=timeout_s)


def case(model: Model, folder: Path, architecture: str = "x64", count: int = 3) -> Case:
    compiled = compile_model(model, load_board("pico"))
    source = module_source(compiled.graph, compiled.layers, compiled.plan, model.info)
    made = [np.random.default_rng(i).integers(-128, 128, source.input_bytes, "int8").tobytes() for i in range(count)]
    (folder / "model.tflite").write_bytes(model.tflite)
    wanted = reference(folder / "model.tflite", made, timeout_s=60).outputs
    return Case(build_native(source, architecture), made, tuple(wanted))


def dense() -> Model:
    return Model("dense", MODELS["dense"]().tflite)


def script(folder: Path, text: str) -> Path:
    path = folder / "firmware"
    path.write_text(f"#!{sys.executable}\n{text}\n", "utf-8")
    path.chmod(0o755)
    return path


class TestOnThisMachine:
    pytestmark = needs_micropython

    @pytest.mark.parametrize("model", [dense, ring])
    def test_outputs_and_heap_by_storage(self, model: Callable[[], Model], tmp_path: Path) -> None:
        it = case(model(), tmp_path)
        found = it.run(Path(find_program("micropython")))
        assert (found.outputs, found.error, found.arch) == (it.outputs, "", "x64")
        assert set(found.heap_bytes) == {"file", "romfs"} and found.version.startswith("1.")
        assert 0 < found.heap_bytes["romfs"] <= found.heap_bytes["file"]

    @pytest.mark.slow
    @pytest.mark.needs_models
    def test_weights_are_used_in_place_from_romfs(self, model_path: Callable[[str], Path], tmp_path: Path) -> None:
        it = case(open_model(model_path("kws_ref_int8")), tmp_path, count=2)
        found = it.run(Path(find_program("micropython")))
        assert found.outputs == it.outputs
        assert found.heap_bytes["romfs"] <= 2048  # the text lies in pages of its own
        assert found.heap_bytes["file"] > it.module.blob_bytes

    def test_what_micropython_raises_is_told(self, tmp_path: Path) -> None:
        micropython = Path(find_program("micropython"))
        assert "incompatible .mpy" in case(dense(), tmp_path, "armv6m").run(micropython).error
        it = case(dense(), tmp_path)
        found = Case(it.module, [it.samples[0], b"x"], ()).run(micropython)
        assert (found.outputs, found.error) == ((), "ValueError: samples: 1 bytes, wanted 8")
        found = run_in_firmware(micropython, {"other.py": b"pass"}, "_it", [], timeout_s=20)
        assert found.error == "ImportError: no module named '_it'"

    def test_over_the_raw_repl(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """What QEMU is told, by a raw REPL of this machine's MicroPython: files in memory, ROMFS, samples, errors."""
        command = [find_program("micropython"), str(FAKE)]
        monkeypatch.setattr(firmware_run, "machine_command", lambda firmware, machine: command)
        it = case(ring(), tmp_path)
        found = it.run(Path("firmware.elf"))
        assert (found.outputs, found.error, set(found.heap_bytes)) == (it.outputs, "", {"file", "romfs"})
        wrong = Case(it.module, [it.samples[0], b"x"], ()).run(Path("firmware.elf"))
        assert wrong.outputs == () and wrong.error.startswith("ValueError: samples: 1 bytes")

    def test_the_raw_repl_takes_more_than_a_pipe_holds(self) -> None:
        with RawRepl([find_program("micropython"), str(FAKE)], timeout_s=60, name="fake") as repl:
            answer = repl.execute(f"text = '{'x' * 200_000}'\nprint(text)\nprint(len(text))")
            assert answer.printed.endswith("x\n200000\n") and answer.traceback == answer.exception == ""
            answer = repl.execute("print(1)\nraise ValueError('no')")
            assert (answer.printed, answer.exception) == ("1\n", "ValueError: no")

    @pytest.mark.parametrize(
        ("mode", "told"),
        [
            ("silent", "fake: had 0.5 s to say the raw REPL's prompt."),
            ("deaf", "fake: had 0.5 s to read its input."),
            ("hangs", "fake: had 0.5 s to say the end of what was printed."),
            ("dies", "fake: ended with code 3, its last words 'HardFault at 0x1234'."),
            ("resets", "fake: ended with code 0, its last words 'MPY: soft reboot'."),
        ],
    )
    def test_a_raw_repl_that_fails(self, mode: str, told: str) -> None:
        command = [find_program("micropython"), str(FAKE), mode]
        time = 30 if mode in ("dies", "resets") else 0.5
        with pytest.raises(BadInput) as caught, RawRepl(command, timeout_s=time, name="fake") as repl:
            repl.execute("x = 1\n" * (200_000 if mode == "deaf" else 1))
        assert caught.value.line == told

    def test_a_program_that_never_stops_talking(self) -> None:
        command = [find_program("micropython"), str(FAKE), "floods"]
        with pytest.raises(BadInput, match="this is no MicroPython"), RawRepl(command, timeout_s=30, name="fake"):
            pass


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("import time; time.sleep(60)", "firmware: had 0.5 s to run _it."),
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "firmware: died of signal 11 while it ran _it."),
        ("print('hello')", "firmware: gave 0 outputs for 1 samples: this is no MicroPython that runs scripts."),
        ("print('tinygen out 4')", "firmware: said 'tinygen out 4', which no run of a module says."),
        ("print('tinygen what 4')", "firmware: said 'tinygen what 4', which no run of a module says."),
    ],
)
def test_a_program_that_is_no_micropython(text: str, told: str, tmp_path: Path) -> None:
    with pytest.raises(BadInput) as caught:
        run_in_firmware(
            script(tmp_path, text), {"_it.mpy": b""}, "_it", [b"x"], timeout_s=0.5 if "sleep" in text else 30
        )
    assert caught.value.line == told


def test_a_program_without_romfs_and_one_that_fails(tmp_path: Path) -> None:
    firmware = script(tmp_path, "import sys\nsys.stderr.write('Traceback\\nMemoryError: no\\n')\nsys.exit(1)")
    files = {"_it.py": b""}
    assert run_in_firmware(firmware, files, "_it", [b"x"], timeout_s=20).error == "MemoryError: no"
    body = "romfs = 'tg_mount_romfs(open' in open('run.py').read()\n"
    body += "print('tinygen romfs none' if romfs else 'tinygen heap 9\\ntinygen out 01')"
    found = run_in_firmware(script(tmp_path, body), files, "_it", [b"x"], timeout_s=20)
    assert (found.outputs, dict(found.heap_bytes), found.error) == ((b"\1",), {"file": 9}, "")
    found = run_in_firmware(script(tmp_path, body), {}, "_it", [b"x"], timeout_s=20)
    assert dict(found.heap_bytes) == {"frozen": 9}


def test_what_is_given_wrongly(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="cannot be read"):
        run_in_firmware(tmp_path / "none", {}, "_it", [], timeout_s=1)
    (tmp_path / "text").write_text("not a program")
    with pytest.raises(MissingTool, match="cannot be started"):
        run_in_firmware(tmp_path / "text", {}, "_it", [], timeout_s=1)
    for files, name in (({"a/b.py": b""}, "_it"), ({}, "os; import sys"), ({}, "é")):
        with pytest.raises(BadInput, match="a module's name, and files without folders"):
            run_in_firmware(tmp_path / "text", files, name, [], timeout_s=1)


@pytest.mark.needs_qemu
@pytest.mark.needs_cross_gcc
def test_the_machine_is_the_one_with_the_elf_s_core(tmp_path: Path) -> None:
    wanted = {"cortex-m0": "microbit", "cortex-m3": "mps2-an385", "cortex-m4": "mps2-an500", "cortex-m55": "mps3-an547"}
    elf, source = tmp_path / "it.elf", tmp_path / "it.c"
    source.write_text("int x;\n")
    for cpu, machine in wanted.items():
        subprocess.run(
            ["arm-none-eabi-gcc", f"-mcpu={cpu}", "-mthumb", "-c", source, "-o", elf], check=True, timeout=60
        )
        command = machine_command(elf)
        assert command[0] == shutil.which("qemu-system-arm") and command[1:3] == ["-machine", machine]
        assert machine_command(elf, "netduino2")[2] == "netduino2"
    elf.write_bytes(elf.read_bytes()[:200])
    with pytest.raises(BadInput, match=r"the ELF is damaged|no known machine"):
        machine_command(elf)
    flags = ["-march=rv32imc", "-mabi=ilp32"]
    subprocess.run(["riscv64-unknown-elf-gcc", *flags, "-c", source, "-o", elf], check=True, timeout=60)
    assert machine_command(elf)[2] == "virt"
    assert machine_command(Path(sys.executable)) == []


@pytest.mark.needs_qemu
@pytest.mark.needs_cross_gcc
def test_an_elf_that_says_nothing(tmp_path: Path) -> None:
    elf = tmp_path / "it.elf"
    (tmp_path / "it.s").write_text(".globl _start\n.word 0x20001000, _start + 1\n.thumb_func\n_start: b _start\n")
    command = ["arm-none-eabi-gcc", "-mcpu=cortex-m3", "-mthumb", "-nostdlib", "-Wl,-Ttext=0", tmp_path / "it.s"]
    subprocess.run([*command, "-o", elf], check=True, timeout=60)
    with pytest.raises(BadInput, match=r"it\.elf: had 1 s to say the raw REPL's prompt"):
        run_in_firmware(elf, {}, "_it", [], timeout_s=1)
    with pytest.raises(BadInput, match=r"it\.elf: ended with code 1, its last words .*unsupported machine"):
        run_in_firmware(elf, {}, "_it", [], timeout_s=20, machine="no-such-board")
