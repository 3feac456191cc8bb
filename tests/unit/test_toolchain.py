"""Compilers are found by preference, absent ones are told with the remedy, and their messages become one line."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tinygen.boards import load_board
from tinygen.errors import BadInput, MissingTool, OverBudget
from tinygen.image import Image, Symbol
from tinygen.toolchain import build, compilers
from tinygen.toolchain.elf import linked_sizes

BOARD = load_board("pico")


@pytest.mark.parametrize("core", sorted(compilers.CORES))
def test_nothing_installed(core: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    monkeypatch.setattr(compilers.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(MissingTool, match=r"apt install gcc-.*pip install 'tinygen\[sim\]'"):
        compilers.find_toolchain(core)
    with pytest.raises(MissingTool, match="sim"):
        compilers.find_toolchain(core, "zig")
    with pytest.raises(MissingTool, match="apt install gcc"):
        compilers.host_toolchain()


def test_gcc_comes_first_and_zig_where_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: f"/bin/{name}" if "gcc" in name else None)
    monkeypatch.setattr(compilers.importlib.util, "find_spec", lambda name: name)
    monkeypatch.setattr(compilers, "_version", lambda *_: "1")
    for core, name in (("cortex-m4f", "arm-none-eabi-gcc"), ("rv32imc", "riscv64-unknown-elf-gcc")):
        assert compilers.find_toolchain(core).name == name
        assert compilers.find_toolchain(core, "zig").kind == "zig"
    monkeypatch.setattr(shutil, "which", lambda _: None)
    assert compilers.find_toolchain("cortex-m4f").kind == "zig"


def test_unknown_requests() -> None:
    with pytest.raises(BadInput, match="gcc and zig"):
        compilers.find_toolchain("cortex-m4f", "icc")
    with pytest.raises(BadInput, match=r"xtensa-lx7.*native"):
        compilers.find_toolchain("xtensa-lx7")


@pytest.mark.parametrize("core", sorted(compilers.CORES))
def test_an_fpu_means_the_hard_float_abi_in_both(core: str) -> None:
    spec = compilers.CORES[core]
    hard = core in ("cortex-m4f", "cortex-m7", "cortex-m33", "cortex-m55")
    assert ("-mfloat-abi=hard" in spec.gcc) is hard
    assert spec.zig_target.endswith("eabihf") is hard


@pytest.mark.parametrize(
    "message",
    [
        "ld: program.elf section `.bss' will not fit in region `RAM'\nld: region `RAM' overflowed by 9720 bytes\n",
        "ld.lld: error: section '.bss' will not fit in region 'RAM': overflowed by 9720 bytes\n",
    ],
)
def test_an_overflow_is_over_budget_in_either_linkers_words(message: str) -> None:
    error = build.link_error(message, "gesture", BOARD)
    assert isinstance(error, OverBudget)
    assert "RAM over by 9720 bytes, pico has 262144 at 0x20000000" in error.what


def test_any_other_link_error_shows_what_is_undefined() -> None:
    error = build.link_error(
        "ld: a.o: in function f:\na.c:1: undefined reference to `g'\ncollect2: ld returned 1\n", "m", BOARD
    )
    assert error.exit_code == 2
    assert "undefined reference to `g'" in error.what


def test_a_function_by_address() -> None:
    image = Image(
        Path("x"), "m", "cortex-m4f", False, "gcc", "1", (), False, (Symbol("f", 0x100, 16), Symbol("g", 0x110, 0))
    )
    assert [image.function_at(a) for a in (0x100, 0x10E, 0x110, 0x111)] == ["f", "f+0xe", "g", "0x00000111"]


def test_a_program_of_the_host_has_no_sizes() -> None:
    with pytest.raises(BadInput, match="no sizes"):
        linked_sizes(Image(Path("x"), "m", "host", True, "cc", "1", (), False))


@pytest.mark.needs_cross
@pytest.mark.parametrize("core", ["cortex-m3", "cortex-m4f", "cortex-m33", "cortex-m55"])
@pytest.mark.parametrize("kind", ["gcc", "zig"])
def test_no_compiler_makes_one_store_of_two_at_an_odd_address(tmp_path: Path, core: str, kind: str) -> None:
    try:
        tools = compilers.find_toolchain(core, kind)
    except MissingTool:
        assert kind == "zig" or not shutil.which("arm-none-eabi-gcc")
        return
    source = "struct { char a; unsigned char b, c; int d; } s;\nvoid f(void) { s.b = 1; s.c = 2; }\n"
    (tmp_path / "a.c").write_text(source)
    command = [*tools.command, *tools.target_flags, "-O2", "-S", str(tmp_path / "a.c"), "-o", str(tmp_path / "a.s")]
    subprocess.run(command, check=True, capture_output=True, timeout=120, env=compilers.environment())
    text = (tmp_path / "a.s").read_text()
    assert text.count("strb") == 2 and "strh" not in text
