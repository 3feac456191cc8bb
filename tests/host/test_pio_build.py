"""A real `pio run` of an ahead-of-time project, with no registry to ask, and the program that it links."""

from __future__ import annotations

import os
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from tinygen.boards import load_board
from tinygen.compiled import Model
from tinygen.errors import TinygenError
from tinygen.image import Image
from tinygen.pipeline import render_project
from tinygen.simulate.run import run_image
from tinygen.toolchain import platformio as pio

pytestmark = [pytest.mark.needs_platformio, pytest.mark.needs_cross, pytest.mark.needs_models]

#: Where every look-up would fail at once: a build that asks for anything ends with an error.
NOWHERE = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"), "http://127.0.0.1:9")


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in NOWHERE.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("PLATFORMIO_CORE_DIR", raising=False)


@pytest.fixture
def render(tmp_path: Path, model_path: Callable[[str], Path]) -> Callable[..., Path]:
    def make(name: str, folder: str = "a project") -> Path:
        model = Model(name="hello", tflite=model_path("hello_world_int8").read_bytes())
        files, _ = render_project(model, name)
        for path, data in files.items():
            (tmp_path / folder / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / folder / path).write_bytes(data)
        return tmp_path / folder

    return make


@pytest.mark.usefixtures("offline")
@pytest.mark.parametrize("board", ["qemu_mps2_an386", "qemu_riscv32"])
def test_simulator_board_builds_without_the_registry(tmp_path: Path, render: Callable[..., Path], board: str) -> None:
    core = tmp_path / "core"
    project = render(board)
    before = {p: p.read_bytes() for p in project.rglob("*") if p.is_file()}
    built = pio.build(project, core=core, timeout_s=300)
    assert [p.name for p in built.programs] == ["firmware.elf"]
    program = built.programs[0].read_bytes()
    assert program[:4] == b"\x7fELF" and b"hello_weights" in program
    assert "Found 1 compatible libraries" in built.log and "hello @ 1.0.0" in built.log
    assert {p: p.read_bytes() for p in before} == before
    added = {p.relative_to(project).parts[0] for p in project.rglob("*") if p.is_file() and p not in before}
    assert added == {".pio"}
    assert not (core / "packages" / "tool-scons").exists()  # PlatformIO's own folder is the user's
    assert pio.build(project, core=core, timeout_s=300).programs == built.programs


@pytest.mark.needs_qemu
@pytest.mark.usefixtures("offline")
def test_the_program_computes_tflms_bits(tmp_path: Path, render: Callable[..., Path]) -> None:
    built = pio.build(render("qemu_mps2_an386"), core=tmp_path / "core", timeout_s=300)
    image = Image(built.programs[0], "hello", "cortex-m4f", False, "gcc", "", (), False)
    ramp = bytes((37 * i + 11 - 128) % 256 for i in range(1))
    result = run_image(image, load_board("qemu_mps2_an386"), [ramp], simulator="qemu", timeout_s=60)
    assert f"{zlib.crc32(result.outputs[0]):08x}" == "0762ae69"


@pytest.mark.usefixtures("offline")
def test_two_projects_share_platformios_folder(tmp_path: Path, render: Callable[..., Path]) -> None:
    core = tmp_path / "core"
    machines = {}
    for board in ("qemu_mps2_an385", "qemu_riscv32"):
        built = pio.build(render(board, f"project of {board}"), core=core, timeout_s=300)
        machines[board] = int.from_bytes(built.programs[0].read_bytes()[18:20], "little")
    assert machines == {"qemu_mps2_an385": 40, "qemu_riscv32": 243}  # EM_ARM, EM_RISCV
    assert sorted(p.name for p in core.iterdir() if p.name == "platforms") == []


@pytest.mark.usefixtures("offline")
def test_broken_c_is_told_in_one_line(tmp_path: Path, render: Callable[..., Path]) -> None:
    project = render("qemu_mps2_an386")
    source = project / "lib" / "hello" / "src" / "hello.c"
    source.write_text(
        source.read_text().replace("tg_status hello_invoke(void) {", "tg_status hello_invoke(void) { oops;")
    )
    with pytest.raises(TinygenError) as error:
        pio.build(project, core=tmp_path / "core", timeout_s=300)
    assert "hello.c" in error.value.line and "oops" in error.value.line and "\n" not in error.value.line


@pytest.mark.usefixtures("offline")
def test_absent_compiler_is_told(tmp_path: Path, render: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    project = render("qemu_mps2_an386")
    board = project / "sim" / "platformio" / "boards" / "qemu_mps2_an386.json"
    board.write_text(board.read_text().replace("arm-none-eabi-gcc", "no-such-gcc"))
    main = project / "sim" / "platformio" / "builder" / "main.py"
    main.write_text(main.read_text().replace('find_spec("ziglang")', 'find_spec("no_such_zig")'))
    folders = os.environ["PATH"].split(os.pathsep)
    monkeypatch.setenv("PATH", os.pathsep.join(p for p in folders if not (Path(p) / "zig").exists()))
    with pytest.raises(TinygenError, match="no compiler for cortex-m4f: install no-such-gcc"):
        pio.build(project, core=tmp_path / "core", timeout_s=300)
