"""Each relocation at the ends of its range, as binutils reads the instruction; one step further is refused."""

from __future__ import annotations

import re
import shutil
import struct
import subprocess
from pathlib import Path

import pytest

from tinygen.backends.aot import with_includes
from tinygen.micropython.native import CORES, compiled_objects, toolchain_of
from tinygen.micropython.objects import read_object
from tinygen.micropython.relocations import ARM, BY_MACHINE, RISCV, X64, Place, RelocationError
from tinygen.resources import data_dir

pytestmark = [pytest.mark.needs_cross_gcc]

BASE = 0x40000000  # where the blob is said to lie, so that no target is negative
AT = 16


def placed(
    machine: str, kind: str, code: bytes, distance: int, addend: int | None = None, code_at: bool = False
) -> bytes:
    """Instruction words `code` at AT, relocated to what lies `distance` bytes after them."""
    blob = bytearray(b"\xa5" * AT + code + b"\xa5" * 16)
    size, apply = BY_MACHINE[machine][kind]
    apply(blob, Place(AT, AT + distance, addend, code_at, lambda _: 0))
    assert blob[:AT] == b"\xa5" * AT and blob[AT + max(size, len(code)) :] == b"\xa5" * 16
    return bytes(blob[AT : AT + len(code)])


def shown(machine: str, code: bytes, folder: Path) -> str:
    """What objdump writes of the code at BASE + AT."""
    (folder / "code.bin").write_bytes(code)
    program, flags = {
        "EM_ARM": ("arm-none-eabi-objdump", ["-m", "arm", "-M", "force-thumb"]),
        "EM_RISCV": ("riscv64-unknown-elf-objdump", ["-m", "riscv:rv32"]),
    }[machine]
    command = [program, "-D", "-b", "binary", *flags, f"--adjust-vma={BASE + AT:#x}", folder / "code.bin"]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout


#: Kind, the instruction without its distance, the least and the most distance, steps between them.
BRANCHES = [
    ("EM_ARM", "R_ARM_THM_CALL", "<HH", (0xF7FF, 0xFFFE), -(1 << 24) + 4, (1 << 24) + 2, 2),
    ("EM_ARM", "R_ARM_THM_JUMP24", "<HH", (0xF7FF, 0xBFFE), -(1 << 24) + 4, (1 << 24) + 2, 2),
    ("EM_ARM", "R_ARM_THM_JUMP11", "<H", (0xE7FE,), -2048 + 4, 2046 + 4, 2),
    ("EM_ARM", "R_ARM_THM_JUMP8", "<H", (0xD0FE,), -256 + 4, 254 + 4, 2),
    ("EM_RISCV", "R_RISCV_CALL", "<II", (0x00000097, 0x000080E7), -(1 << 30), (1 << 30), 2),
    ("EM_RISCV", "R_RISCV_CALL_PLT", "<II", (0x00000317, 0x00030067), -0x801, 0x7FF, 1),
    ("EM_RISCV", "R_RISCV_BRANCH", "<I", (0x00B50063,), -4096, 4094, 2),
    ("EM_RISCV", "R_RISCV_JAL", "<I", (0x0000006F,), -(1 << 20), (1 << 20) - 2, 2),
    ("EM_RISCV", "R_RISCV_RVC_BRANCH", "<H", (0xC101,), -256, 254, 2),
    ("EM_RISCV", "R_RISCV_RVC_JUMP", "<H", (0xA001,), -2048, 2046, 2),
]  # fmt: skip


@pytest.mark.parametrize(("machine", "kind", "form", "words", "least", "most", "step"), BRANCHES)
def test_branches(
    machine: str, kind: str, form: str, words: tuple[int, ...], least: int, most: int, step: int, tmp_path: Path
) -> None:
    addend = 0 if machine == "EM_RISCV" else None
    for distance in (least, least + step, -6, 0x54, most - step, most):
        code = placed(machine, kind, struct.pack(form, *words), distance, addend)
        lines = [line for line in shown(machine, code, tmp_path).splitlines() if "\t" in line]
        target = int(re.findall(r"0x([0-9a-f]+)|\b([0-9a-f]{8})\b", lines[-1])[-1][0], 16)
        assert target == BASE + AT + distance, lines


@pytest.mark.parametrize(("machine", "kind", "form", "words", "least", "most", "step"), BRANCHES)
def test_branches_that_do_not_reach(
    machine: str, kind: str, form: str, words: tuple[int, ...], least: int, most: int, step: int
) -> None:
    addend = 0 if machine == "EM_RISCV" else None
    ends = [] if "CALL" in kind and machine == "EM_RISCV" else [least - 2, most + 2]
    for distance in [*ends, *([5] if step == 2 and "RISCV_CALL" not in kind else []), 1 << 34, -(1 << 34)]:
        with pytest.raises(RelocationError, match=r"does not fit \d+ bits|is odd"):
            placed(machine, kind, struct.pack(form, *words), distance, addend)


@pytest.mark.parametrize("distance", [0, 1, 0x7FF, 0x800, 0xFFF, -1, -0x800, -0x801, 0x12345678, -0x7FFFF800])
def test_halves_of_a_distance(distance: int, tmp_path: Path) -> None:
    """MOVW and MOVT; AUIPC with the low bits in a load, in a store."""
    moved = [placed("EM_ARM", "R_ARM_THM_MOVW_PREL_NC", struct.pack("<HH", 0xF240, 0x0300), distance)]
    moved.append(placed("EM_ARM", "R_ARM_THM_MOVT_PREL", struct.pack("<HH", 0xF2C0, 0x0300), distance))
    low, high = (int(n) for n in re.findall(r"mov[wt]\tr3, #(\d+)", shown("EM_ARM", b"".join(moved), tmp_path)))
    assert (high << 16 | low) == distance % (1 << 32)
    for kind, word in (("I", 0x0003A503), ("S", 0x00A3A023)):  # lw a0,0(t2); sw a0,0(t2)
        blob = bytearray(struct.pack("<II", 0x00000397, word))
        RISCV["R_RISCV_PCREL_HI20"][1](blob, Place(0, distance, 0, False, lambda _: 0))
        RISCV[f"R_RISCV_PCREL_LO12_{kind}"][1](blob, Place(4, 0, 0, False, lambda _: distance))
        text = shown("EM_RISCV", bytes(blob), tmp_path)
        assert int(re.findall(r"# 0x([0-9a-f]+)", text)[-1], 16) == (BASE + AT + distance) % (1 << 32), text


def test_words() -> None:
    """A distance in a word, Thumb's bit where it is a function's; sums modulo the field."""
    for machine, kind in (("EM_ARM", "R_ARM_REL32"), ("EM_RISCV", "R_RISCV_32_PCREL"), ("EM_X86_64", "R_X86_64_PC32")):
        addend = None if machine == "EM_ARM" else -4
        stored = struct.pack("<i", -4 if addend is None else 0)
        for distance in (0, 5, -9, (1 << 31) - 1):
            assert struct.unpack("<i", placed(machine, kind, stored, distance, addend)) == (distance - 4,)
        with pytest.raises(RelocationError, match="does not fit 32 bits"):
            placed(machine, kind, stored, (1 << 31) + 4, addend)
    assert struct.unpack("<i", placed("EM_ARM", "R_ARM_REL32", bytes(4), 8, None, code_at=True)) == (9,)
    for bits in (8, 16, 32):
        start = (7).to_bytes(bits // 8, "little")
        for kind, sign in (("ADD", 1), ("SUB", -1)):
            found = placed("EM_RISCV", f"R_RISCV_{kind}{bits}", start, 300, 2)
            assert int.from_bytes(found, "little") == (7 + sign * (AT + 302)) % (1 << bits)


def test_every_kind_is_tried_here() -> None:
    tried = {kind for _, kind, *_ in BRANCHES} | {"R_ARM_REL32", "R_ARM_THM_MOVW_PREL_NC", "R_ARM_THM_MOVT_PREL"}
    tried |= {f"R_RISCV_{kind}{bits}" for kind in ("ADD", "SUB") for bits in (8, 16, 32)} | {"R_X86_64_PC32"}
    tried |= {"R_RISCV_32_PCREL", "R_RISCV_PCREL_HI20", "R_RISCV_PCREL_LO12_I", "R_RISCV_PCREL_LO12_S"}
    filled = {kind for table in (ARM, RISCV, X64) for kind, (size, _) in table.items() if size}
    assert filled - tried == {"R_X86_64_PLT32"}  # filled as PC32 is
    assert X64["R_X86_64_PLT32"] == X64["R_X86_64_PC32"]


@pytest.mark.slow
@pytest.mark.parametrize(("architecture", "toolchain"), [("armv7emsp", "zig"), ("rv32imc", "gcc")])
def test_what_compilers_make_of_all_kernels_is_known(architecture: str, toolchain: str | None, tmp_path: Path) -> None:
    """Every kind of relocation in code and constants, and every function that is called without being there."""
    firmware, machine = data_dir("firmware"), CORES[architecture][1]
    headers = sorted(path.name for path in (firmware / "kernels").glob("*.h"))
    for path in (*(firmware / "micropython").iterdir(), firmware / "platform" / "mem.c"):
        shutil.copy(path, tmp_path)
    for name, text in with_includes(headers).items():
        (tmp_path / name).write_text(text)
    includes = "".join(f'#include "{name}"\n' for name in headers)
    kept = "#undef TG_KERNEL\n#define TG_KERNEL __attribute__((used))\n"
    (tmp_path / "module.c").write_text(kept + includes)
    objects = compiled_objects(toolchain_of(architecture, toolchain), tmp_path, "size")
    files = [read_object(name, data, machine) for name, data in objects]
    sections = [section for file in files for section in file.sections.values()]
    kinds = {r.kind for s in sections if not s.name.startswith((".ARM.exidx", ".eh_frame")) for r in s.relocations}
    assert kinds <= BY_MACHINE[machine].keys()
    defined = {symbol.name for file in files for symbol in file.symbols if isinstance(symbol.section, int)}
    called = {symbol.name for file in files for symbol in file.symbols if symbol.section == "undefined"}
    assert called <= defined | {""}
