"""`validate` and `flash` as a user types them: exit codes, one-line errors, and JSON alone on standard output."""

from __future__ import annotations

import json
import os
import stat
import threading
import tty
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from command_line import tinygen
from small_models import dense

from tinygen.pipeline import generate
from tinygen.project import read_manifest


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return generate(dense(), "qemu_riscv32", tmp_path / "dense").written.folder


@pytest.fixture
def port() -> Iterator[tuple[str, int]]:
    """A port and the board's end of it."""
    board, host = os.openpty()
    tty.setraw(host)
    yield os.ttyname(host), board
    os.close(host)
    os.close(board)


@contextmanager
def saying(board: int, text: bytes) -> Iterator[None]:
    """A board that says `text` again and again: what came before the port was open is lost."""
    stop = threading.Event()

    def say() -> None:
        while not stop.wait(0.4):
            os.write(board, text)

    thread = threading.Thread(target=say)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def test_a_silent_port_ends_in_one_line(project: Path, port: tuple[str, int]) -> None:
    said = tinygen("validate", project, "--port", port[0], "--timeout", "1.5")
    said.refused(2, "no answer to HELLO", "nothing came")


def test_chatter_is_shown_safely(project: Path, port: tuple[str, int]) -> None:
    with saying(port[1], b"\x1b[31mHello from another firmware \xff\n"):
        said = tinygen("validate", project, "--port", port[0], "--timeout", "1.5")
    said.refused(2, "Hello from another firmware")


def test_pyserial_is_asked_for(project: Path) -> None:
    said = tinygen("validate", project, "--port", "/dev/ttyACM0", hide="serial")
    said.refused(5, "pip install 'tinygen[flash]'")


def test_a_folder_that_is_no_project(tmp_path: Path) -> None:
    tinygen("validate", tmp_path, "--port", "qemu").refused(2, "not a tinygen project")


@pytest.mark.needs_cross
@pytest.mark.needs_qemu
@pytest.mark.needs_tflm
def test_json_alone_on_standard_output_and_what_differs_is_exit_4(project: Path) -> None:
    said = tinygen("validate", project, "--port", "qemu", "--samples", "3", "--json", "-")
    assert said.code == 0 and said.err == "", said.err
    result = said.json
    assert result["schema"] == "tinygen.validation/1" and result["mismatched_samples"] == 0
    assert result["device"]["sha256"] == read_manifest(project).model.sha256
    assert result["latency"]["source"] == "simulated" and result["retries"] == 0
    weights = project / "lib" / "dense" / "src" / "dense_weights.c"
    text = weights.read_text()
    weights.write_text(text.replace("241, 122, 3, -116", "9241, 122, 3, -116"))
    assert weights.read_text() != text
    said = tinygen("validate", project, "--port", "qemu", "--samples", "3", "--json", "-")
    assert said.code == 4 and "samples differ from tflite-micro. First: sample" in said.err
    assert said.json["first_mismatch"]["output"] == 0
    table = tinygen("validate", project, "--port", "qemu", "--samples", "3")
    assert table.code == 4 and "first difference" in table.out


def fake_pio(folder: Path) -> Path:
    (folder / "bin").mkdir()
    pio = folder / "bin" / "pio"
    pio.write_text("#!/bin/sh\necho 'Writing at 0x10000 (50 %)'\n")
    pio.chmod(stat.S_IRWXU)
    return pio.parent


@pytest.mark.parametrize(("test", "code"), [("PASS (1 vector)", 0), ("FAIL vector 0, output 0, byte 0: got 1", 4)])
def test_flash_reads_the_board_back(tmp_path: Path, port: tuple[str, int], test: str, code: int) -> None:
    project = generate(dense(), "uno_r4_wifi", tmp_path / "dense").written.folder
    sha = read_manifest(project).model.sha256
    boot = f"model: dense 1.0, sha256 {sha}, tinygen 0\r\nself-test: {test}\r\nready: a line\r\n"
    path = f"{fake_pio(tmp_path)}{os.pathsep}{os.environ['PATH']}"
    arguments = ("flash", project, "--port", port[0], "--json")
    with saying(port[1], boot.encode()):
        said = tinygen(*arguments, tmp_path / "out.json", hide="platformio", PATH=path)
    assert said.code == code, said.err
    assert "Writing at 0x10000 (50 %)" in said.err
    told = json.loads((tmp_path / "out.json").read_text())
    assert (told["schema"], told["sha256"], told["self_test"]) == ("tinygen.flash/1", sha, test[:4])
    assert (told["port"], told["chip"]["found"]) == (port[0], None)
    if code:
        assert f"self-test: {test}" in said.err.splitlines()[-1]
