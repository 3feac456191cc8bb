"""Flashing with a PlatformIO that plays its part and a pseudo-terminal that plays the board."""

from __future__ import annotations

import json
import os
import stat
import threading
import time
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from small_models import dense

from tinygen import flashing
from tinygen.boards import board_names, load_board
from tinygen.device import boot, ports
from tinygen.device.ports import PortInfo
from tinygen.errors import BadInput, MissingTool, OutputsDiffer, OverBudget, TinygenError
from tinygen.flashing import flash
from tinygen.pipeline import generate
from tinygen.project import read_manifest
from tinygen.toolchain import chip, platformio

Project = Callable[[str], Path]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    made: dict[str, Path] = {}

    def make(board: str) -> Path:
        if board not in made:
            folder = tmp_path_factory.mktemp(board) / "project"
            made[board] = generate(dense(), board, folder).written.folder
        return made[board]

    return make


@pytest.fixture
def pio(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Puts a `pio` there that prints `lines`, ends with `code`, and notes its arguments in a file."""

    def make(*lines: str, code: int = 0, tools: dict[str, str] | None = None) -> Path:
        folder = tmp_path / "bin"
        folder.mkdir()
        for name, body in {"pio": "\n".join(f"printf '%s\\n' {json.dumps(x)}" for x in lines), **(tools or {})}.items():
            log = f'echo "$@" >> {tmp_path / name}.log\n'
            (folder / name).write_text(f"#!/bin/sh\n{log}{body}\nexit {code if name == 'pio' else 0}\n")
            (folder / name).chmod(stat.S_IRWXU)
        monkeypatch.setattr(platformio.util, "find_spec", lambda name: None)
        monkeypatch.setattr(chip.importlib.util, "find_spec", lambda name: None)
        monkeypatch.setenv("PATH", f"{folder}{os.pathsep}/usr/bin{os.pathsep}/bin")
        monkeypatch.setenv("PLATFORMIO_CORE_DIR", str(tmp_path / "core"))
        return tmp_path / "pio.log"

    return make


@pytest.fixture(autouse=True)
def budgets_without_a_simulator(monkeypatch: pytest.MonkeyPatch) -> None:
    class Fits:
        def require(self) -> None: ...

    monkeypatch.setattr(flashing, "check", lambda _project: Fits())


@contextmanager
def board(said: str, wait_s: float = 0.3) -> Iterator[str]:
    """A port on which something is said a while after it is there."""
    master, slave = os.openpty()
    tty.setraw(slave)
    timer = threading.Timer(wait_s, lambda: os.write(master, said.encode()))
    timer.start()
    try:
        yield os.ttyname(slave)
    finally:
        timer.join()
        os.close(master)
        os.close(slave)


def boot_lines(sha256: str, test: str = "self-test: PASS (3 vectors)") -> str:
    lines = ["rst:0x1 (POWERON),boot:0x8", f"model: toy 1.0, sha256 {sha256}, tinygen 0", "arena: 64 bytes given"]
    return "\r\n".join([*lines, test, "ready: a line of 8 hexadecimal digits", ""])


def quick(project: Path, port: str | None, **more: Any) -> flashing.Flashed:
    return flash(project, port=port, wait_s=more.pop("wait_s", 5), **more)


def test_a_board_that_passes(project: Project, pio: Callable[..., Path]) -> None:
    here = project("nano33ble")
    log = pio("Uploading .pio/build/nano33ble/firmware.bin", "Writing 50 %", "Done in 1.0 s")
    lines: list[str] = []
    sha = read_manifest(here).model.sha256
    with board(boot_lines(sha)) as port:
        result = quick(here, port, on_line=lines.append)
        assert result.port == port and result.problem is None
        assert f"--upload-port {port}" in log.read_text()
    assert lines == ["Uploading .pio/build/nano33ble/firmware.bin", "Writing 50 %", "Done in 1.0 s"]
    told = result.json()
    assert (told["sha256"], told["self_test"]) == (sha, "PASS") and "Writing 50 %" in told["said"]
    assert told["chip"]["found"] is None and "no tool tells" in " ".join(told["notes"])


def test_a_self_test_that_fails(project: Project, pio: Callable[..., Path]) -> None:
    here = project("nano33ble")
    pio("ok")
    line = "self-test: FAIL vector 0, output 0, byte 1: got 3, expected 4"
    with board(boot_lines(read_manifest(here).model.sha256, line)) as port:
        result = quick(here, port)
    assert isinstance(result.problem, OutputsDiffer) and line in result.problem.line
    assert result.json()["self_test"] == "FAIL"


def test_a_model_that_does_not_start(project: Project, pio: Callable[..., Path]) -> None:
    here = project("nano33ble")
    pio("ok")
    lines = boot_lines(read_manifest(here).model.sha256, "error: the interpreter could not be built")
    with board(lines.replace("ready", "x")) as port:
        result = quick(here, port)
    assert isinstance(result.problem, OutputsDiffer) and "the interpreter could not be built" in result.problem.line


def test_another_model_answers(project: Project, pio: Callable[..., Path]) -> None:
    pio("ok")
    with board(boot_lines("ab" * 32)) as port:
        result = quick(project("nano33ble"), port)
    assert type(result.problem) is BadInput and "another model" in result.problem.line
    assert result.problem.exit_code == 2


def test_the_last_start_counts(project: Project, pio: Callable[..., Path]) -> None:
    """The old firmware says its lines until the new one starts; noise is around them."""
    here = project("nano33ble")
    pio("ok")
    old = boot_lines("ab" * 32, "self-test: FAIL x").replace("ready", "reset")
    with board(old + "\x00\xff\x1b[2J" + boot_lines(read_manifest(here).model.sha256)) as port:
        result = quick(here, port)
    assert result.problem is None and result.json()["self_test"] == "PASS"


@pytest.mark.parametrize("said", ["", "hello\x1b[31m world\n" * 3])
def test_nothing_is_read_back(project: Project, pio: Callable[..., Path], said: str) -> None:
    pio("ok")
    before = time.monotonic()
    with board(said) as port:
        result = quick(project("nano33ble"), port, wait_s=4)
    assert time.monotonic() - before < 15
    assert result.problem is None and result.json()["sha256"] is None
    note = next(note for note in result.notes if "nothing was read back" in note)
    assert ("hello" in note) is bool(said) and note.isprintable()


def test_a_port_that_vanishes_and_comes_back(project: Project, pio: Callable[..., Path], tmp_path: Path) -> None:
    here = project("nano33ble")
    pio("ok")
    link = tmp_path / "ttyACM0"
    with board(boot_lines(read_manifest(here).model.sha256), wait_s=1.6) as port:
        timer = threading.Timer(1.0, lambda: link.symlink_to(port))
        timer.start()
        result = quick(here, str(link))
        timer.join()
    assert result.problem is None and result.json()["self_test"] == "PASS"


def test_no_readback(project: Project, pio: Callable[..., Path]) -> None:
    pio("ok")
    before = time.monotonic()
    result = quick(project("nano33ble"), "/dev/does-not-exist", readback=False)
    assert result.json()["sha256"] is None and time.monotonic() - before < 5


def test_budget_before_anything(project: Project, pio: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    log = pio("ok")

    def over(_project: Path) -> Any:
        raise OverBudget("no room")

    monkeypatch.setattr(flashing, "check", over)
    with pytest.raises(OverBudget):
        quick(project("nano33ble"), None)
    assert not log.exists()


def listed(monkeypatch: pytest.MonkeyPatch, *found: tuple[str, str]) -> None:
    """Which ports this machine has."""
    monkeypatch.setattr(ports, "list_ports", lambda: [PortInfo(name, usb, "x") for name, usb in found])


def test_the_port_is_found_by_what_the_board_is_known_by(
    project: Project, pio: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    here = project("nano33ble")
    pio("ok")
    with board(boot_lines(read_manifest(here).model.sha256)) as port:
        listed(monkeypatch, ("/dev/ttyUSB7", "10c4:ea60"), (port, "2341:805a"))
        assert quick(here, None).port == port


def test_several_ports_are_listed(project: Project, pio: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    log = pio("ok")
    listed(monkeypatch, ("/dev/ttyACM0", "2341:805a"), ("/dev/ttyACM1", "2341:005a"), ("/dev/ttyUSB0", "10c4:ea60"))
    with pytest.raises(BadInput) as error:
        quick(project("nano33ble"), None)
    assert "/dev/ttyACM0 (2341:805a, x); /dev/ttyACM1" in error.value.line and "ttyUSB0" not in error.value.line
    assert not log.exists()


def test_no_port_at_all(project: Project, pio: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """PlatformIO may flash over a debugger; there is nothing to read back from then."""
    log = pio("ok")
    listed(monkeypatch)
    result = quick(project("nano33ble"), None, wait_s=1)
    assert "upload-port" not in log.read_text()
    assert result.problem is None and any("nothing was read back of any port" in note for note in result.notes)


def esptool(chip_line: str) -> dict[str, str]:
    return {"esptool": f"echo 'esptool v5.3.1'\necho '{chip_line}'"}


def test_an_esp_of_another_family_is_refused(project: Project, pio: Callable[..., Path], tmp_path: Path) -> None:
    log = pio("ok", tools=esptool("Chip type:          ESP32-S3 (QFN56) (revision v0.2)"))
    with pytest.raises(BadInput, match="finds the chip ESP32-S3, esp32-c3-devkitm-1 has ESP32-C3"):
        quick(project("esp32-c3-devkitm-1"), "/dev/ttyUSB0")
    assert not log.exists() and "--port /dev/ttyUSB0 chip_id" in (tmp_path / "esptool.log").read_text()


def test_the_right_esp_is_flashed(project: Project, pio: Callable[..., Path]) -> None:
    pio("ok", tools=esptool("Chip is ESP32-C3 (QFN32) (revision v0.4)"))
    result = quick(project("esp32-c3-devkitm-1"), "/dev/ttyUSB0", readback=False)
    assert result.json()["chip"] == {"expected": "ESP32-C3", "found": "ESP32-C3", "source": "esptool"}


def test_an_uploader_that_refuses_the_chip(project: Project, pio: Callable[..., Path]) -> None:
    pio("A fatal error occurred: This chip is ESP32 not ESP32-C3. Wrong --chip argument?", code=1)
    with pytest.raises(BadInput, match="the uploader finds the chip ESP32, esp32-c3-devkitm-1 has ESP32-C3"):
        quick(project("esp32-c3-devkitm-1"), "/dev/ttyUSB0")


def test_an_stm32_is_asked_by_st_info(project: Project, pio: Callable[..., Path]) -> None:
    log = pio("ok", tools={"st-info": "echo '  chipid:     0x0433'\necho '  descr: F4xx'"})
    with pytest.raises(BadInput, match="st-info finds the chip 0x433, nucleo_f446re has 0x421"):
        quick(project("nucleo_f446re"), "/dev/ttyACM0")
    assert not log.exists()


def test_an_stm32_told_by_openocd(project: Project, pio: Callable[..., Path]) -> None:
    """A debugger needs no serial port; it tells the chip while it flashes."""
    log = pio("Info : device id = 0x10006421", "** Programming Finished **")
    result = quick(project("nucleo_f446re"), "/dev/ttyACM0", readback=False)
    assert result.json()["chip"] == {"expected": "0x421", "found": "0x421", "source": "uploader"}
    assert "upload-port" not in log.read_text()


def test_any_other_failure_of_the_upload(project: Project, pio: Callable[..., Path]) -> None:
    pio("Error: Please specify upload_port for environment", code=1)
    with pytest.raises(TinygenError, match="Please specify upload_port"):
        quick(project("nano33ble"), None)


@pytest.mark.parametrize(
    ("log", "found"),
    [
        ("Chip is ESP32-D0WD-V3 (revision v3.1)", "ESP32"),
        ("Chip is ESP32-S0WD", "ESP32"),
        ("Detecting chip type... Unsupported detection protocol\nDetecting chip type... ESP32-S2", "ESP32-S2"),
        ("Chip type:          ESP32-C61 (QFN32)", "ESP32-C61"),
        ("Chip is ESP8266EX", "ESP8266"),
        ("chipid:     0x0410", "0x410"),
        ("chipid: 0x0", None),
        ("", None),
    ],
)
def test_chips_that_tools_name(log: str, found: str | None) -> None:
    assert chip.found_in(log) == found


def test_every_stm32_and_esp_board_has_a_chip_to_check() -> None:
    for name in board_names():
        profile = load_board(name)
        known = profile.mcu.startswith(("stm32", "esp32")) and profile.platformio is not None
        assert bool(chip.expected(profile)) is known, name


def test_without_pyserial_platformio_chooses(
    project: Project, pio: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing() -> Any:
        raise MissingTool("The Python package pyserial is not installed.", "pip install 'tinygen[flash]'")

    pio("ok")
    monkeypatch.setattr(ports, "require_pyserial", missing)
    monkeypatch.setattr(boot, "open_port", lambda *_: missing())
    result = quick(project("nano33ble"), None, wait_s=1)
    assert result.problem is None and any("pyserial" in note for note in result.notes)
