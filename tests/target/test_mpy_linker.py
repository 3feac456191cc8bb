"""The linker of native modules: linked code computes the same at any address, and what it cannot link is named."""

from __future__ import annotations

import io
import struct
import subprocess
import sys
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tinygen.errors import BadInput
from tinygen.micropython.linker import Linked, link

pytestmark = [pytest.mark.needs_cross_gcc]

ZIG = (sys.executable, "-m", "ziglang", "cc")
COMPILERS: dict[str, tuple[str, tuple[str, ...]]] = {
    "x64-gcc": ("EM_X86_64", ("gcc", "-fno-asynchronous-unwind-tables", "-fcf-protection=none")),
    "x64-zig": ("EM_X86_64", (*ZIG, "-target", "x86_64-linux-musl")),
    "armv6m-gcc": (
        "EM_ARM",
        ("arm-none-eabi-gcc", "-mthumb", "-mcpu=cortex-m0plus", "-fno-jump-tables"),
    ),  # a jump table calls libgcc
    "armv6m-zig": ("EM_ARM", (*ZIG, "-target", "thumb-freestanding-eabi", "-mcpu=cortex_m0plus")),
    "armv7em-gcc": ("EM_ARM", ("arm-none-eabi-gcc", "-mthumb", "-mcpu=cortex-m4")),
    "armv7em-zig": ("EM_ARM", (*ZIG, "-target", "thumb-freestanding-eabi", "-mcpu=cortex_m4")),
    "rv32imc-gcc": ("EM_RISCV", ("riscv64-unknown-elf-gcc", "-march=rv32imc", "-misa-spec=2.2", "-mabi=ilp32")),
    "rv32imc-zig": ("EM_RISCV", (*ZIG, "-target", "riscv32-freestanding-none", "-mcpu=generic_rv32+m+c")),
}
FLAGS = ("-ffunction-sections", "-fdata-sections", "-fPIC", "-ffreestanding", "-fno-builtin", "-c")
HIDDEN = "#include <stdint.h>\n#pragma GCC visibility push(hidden)\n"

MAIN = (
    HIDDEN
    + """
extern int helper(int x, const int8_t *t);
extern const int32_t table[5];
static const int8_t odd[7] = {1, -2, 3, 4, 5, 6, 7};
__attribute__((noinline)) static int apply(int (*f)(int), int x) { return f(x); }
static int cube(int x) { return x * x * x - table[x % 5]; }
static int line(int x) { return 7 * x + table[(x + 1) % 5]; }
__attribute__((noinline)) int pick(int x) {
    switch (x) {
    case 0: return helper(1, odd);
    case 1: return 77 + (int)odd[x];
    case 2: return apply(cube, x);
    case 3: return table[3] ^ x;
    case 4: return -1;
    case 5: return helper(x, odd + 1);
    default: return apply(x & 1 ? line : cube, x);
    }
}
int entry(int n) {
    uint32_t s = 1;
    for (int i = 0; i < n; i++) { s = s * 31u + (uint32_t)pick(i & 7); }
    return (int)s;
}
"""
)
OTHER = (
    HIDDEN
    + """
const int32_t table[5] = {10, 200, -3000, 40000, 500000};
int nowhere(int x);
int unreached(int x) { return nowhere(x); }
int helper(int x, const int8_t *t) { return x * t[x & 3] + table[x & 3] / 7; }
#if defined(__ARM_ARCH_6M__)
void __aeabi_idivmod(void);
int __aeabi_idiv(int a, int b) {
    uint32_t n = a < 0 ? 0u - (uint32_t)a : (uint32_t)a, d = b < 0 ? 0u - (uint32_t)b : (uint32_t)b, q = 0;
    while (n >= d) { n -= d; q++; }
    return (a < 0) != (b < 0) ? -(int)q : (int)q;
}
#endif
"""
)
# x % 5 of a small x without a division, which armv6m has not
MAIN = MAIN.replace("x % 5", "(x > 4 ? x - 5 : x)").replace("(x + 1) % 5", "(x + 1 > 4 ? x - 4 : x + 1)")
CALLS = 40


def compiled(folder: Path, compiler: str, source: str, *flags: str) -> bytes:
    path = folder / "part.c"
    path.write_text(source)
    subprocess.run(
        [*COMPILERS[compiler][1], "-Os", *FLAGS, *flags, "part.c", "-o", "part.o"],
        cwd=folder, check=True, capture_output=True, timeout=120,
    )  # fmt: skip
    return (folder / "part.o").read_bytes()


def expected(folder: Path) -> int:
    """What the program computes, by the host's own compiler and linker."""
    tail = "\n#include <stdio.h>\nint nowhere(int x) { return x; }\n"
    shown = f'int main(void) {{ printf("%d\\n", entry({CALLS})); return 0; }}\n'
    program = (MAIN + OTHER).replace(HIDDEN, "#include <stdint.h>\n")
    (folder / "host.c").write_text(program + tail + shown)
    subprocess.run(["gcc", "host.c", "-o", "host"], cwd=folder, check=True, timeout=60)
    return int(subprocess.run([folder / "host"], check=True, capture_output=True, timeout=60).stdout)


def call(machine: str, text: bytes, base: int, argument: int) -> int:
    """Runs the blob's first byte at `base` in unicorn; the rest of memory is unmapped but a stack."""
    import unicorn
    from unicorn import arm_const, riscv_const, x86_const

    arch, mode = {
        "EM_ARM": (unicorn.UC_ARCH_ARM, unicorn.UC_MODE_THUMB),
        "EM_RISCV": (unicorn.UC_ARCH_RISCV, unicorn.UC_MODE_RISCV32),
        "EM_X86_64": (unicorn.UC_ARCH_X86, unicorn.UC_MODE_64),
    }[machine]
    cpu = unicorn.Uc(arch, mode)
    stack, end = 0x70000000, 0x60000000
    cpu.mem_map(base & ~0xFFF, (len(text) + 0x2FFF) & ~0xFFF, unicorn.UC_PROT_READ | unicorn.UC_PROT_EXEC)
    cpu.mem_write(base, text)
    cpu.mem_map(stack, 0x10000)
    cpu.mem_map(end, 0x1000)
    if machine == "EM_ARM":
        cpu.reg_write(arm_const.UC_ARM_REG_SP, stack + 0x8000)
        cpu.reg_write(arm_const.UC_ARM_REG_LR, end | 1)
        cpu.reg_write(arm_const.UC_ARM_REG_R0, argument)
        result = arm_const.UC_ARM_REG_R0
    elif machine == "EM_RISCV":
        cpu.reg_write(riscv_const.UC_RISCV_REG_SP, stack + 0x8000)
        cpu.reg_write(riscv_const.UC_RISCV_REG_RA, end)
        cpu.reg_write(riscv_const.UC_RISCV_REG_A0, argument)
        result = riscv_const.UC_RISCV_REG_A0
    else:
        cpu.mem_write(stack + 0x7FF8, struct.pack("<Q", end))
        cpu.reg_write(x86_const.UC_X86_REG_RSP, stack + 0x7FF8)
        cpu.reg_write(x86_const.UC_X86_REG_RDI, argument)
        result = x86_const.UC_X86_REG_RAX
    cpu.emu_start(base | (machine == "EM_ARM"), end, timeout=10_000_000)
    return struct.unpack("<i", struct.pack("<I", cpu.reg_read(result) & 0xFFFFFFFF))[0]


@pytest.mark.parametrize("level", ["-Os", "-O2"])
@pytest.mark.parametrize("compiler", COMPILERS)
def test_linked_code_computes_the_same_at_any_address(compiler: str, level: str, tmp_path: Path) -> None:
    machine = COMPILERS[compiler][0]
    main, other = (compiled(tmp_path, compiler, source, level) for source in (MAIN, OTHER))
    linked = link([("main.o", main), ("other.o", other)], "entry", machine)
    assert linked.symbols["entry"] == 0 and "unreached" not in linked.symbols
    for base in (0x10000, 0x20000 + linked.align):
        assert call(machine, linked.text, base, CALLS) == expected(tmp_path)


@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("int missing(int); int entry(int x) { return missing(x); }", "Not defined: missing"),
        ("static int n; int entry(int x) { return n += x; }", r"\.bss.*writable"),
        ("static int n = 3; int entry(int x) { return n += x; }", r"\.data.*writable"),
        ("int other(int x) { return x; }", "No object defines entry"),
        ("const char *const names[] = {\"a\", \"b\"}; int entry(int x) { return *names[x]; }", "writable"),
    ],
)  # fmt: skip
def test_what_a_native_module_cannot_have_is_named(compiler: str, source: str, told: str, tmp_path: Path) -> None:
    data = compiled(tmp_path, compiler, HIDDEN + source)
    with pytest.raises(BadInput, match=told):
        link([("part.o", data)], "entry", COMPILERS[compiler][0])


@pytest.mark.parametrize("compiler", COMPILERS)
def test_tables_of_addresses_are_refused_by_name(compiler: str, tmp_path: Path) -> None:
    """A symbol that may lie in another module is reached through a table."""
    source = "extern int far_away; int entry(int x) { return far_away + x; }"
    there = compiled(tmp_path, compiler, "int far_away = 1;")
    data = compiled(tmp_path, compiler, source)
    with pytest.raises(BadInput, match=r"R_\w+GOT|writable"):
        link([("part.o", data), ("there.o", there)], "entry", COMPILERS[compiler][0])


def test_a_symbol_defined_twice_and_another_machine(tmp_path: Path) -> None:
    data = compiled(tmp_path, "armv7em-gcc", "int entry(int x) { return x; }")
    with pytest.raises(BadInput, match="entry is defined twice"):
        link([("a.o", data), ("b.o", data)], "entry", "EM_ARM")
    with pytest.raises(BadInput, match="wanted a relocatable object of EM_RISCV"):
        link([("a.o", data)], "entry", "EM_RISCV")
    two = "int first(int x) { return x; } int entry(int x) { return x + 1; }"
    together = compiled(tmp_path, "armv7em-gcc", two, "-fno-function-sections", "-fno-toplevel-reorder")
    with pytest.raises(BadInput, match="not at its beginning"):
        link([("a.o", together)], "entry", "EM_ARM")


@pytest.mark.parametrize(
    ("source", "told"),
    [
        (
            "int entry(int x) { return wide[x]; } const int wide[2] __attribute__((aligned(128))) = {1, 2};",
            "aligned to",
        ),
        ("__attribute__((weak)) int perhaps(int); int entry(int x) { return perhaps(x); }", "Not defined: perhaps"),
        ("int entry(int x) { return shared + x; } int shared __attribute__((common));", "shared is common"),
        ("static __thread int own; int entry(int x) { return own += x; }", "writable|TLS|TPREL|Not defined: __"),
    ],
)
@pytest.mark.parametrize("compiler", ["x64-gcc", "armv7em-gcc", "rv32imc-gcc"])
def test_symbols_that_have_no_place_in_the_text(compiler: str, source: str, told: str, tmp_path: Path) -> None:
    declared = "extern const int wide[2]; extern int shared;\n"
    data = compiled(tmp_path, compiler, HIDDEN + declared + source)
    with pytest.raises(BadInput, match=told):
        link([("part.o", data)], "entry", COMPILERS[compiler][0])


@pytest.mark.parametrize("compiler", COMPILERS)
def test_a_place_outside_of_the_module_is_refused(compiler: str, tmp_path: Path) -> None:
    main = compiled(tmp_path, compiler, HIDDEN + "int fixed(int); int entry(int x) { return fixed(x); }")
    there = compiled(tmp_path, compiler, '__asm__(".globl fixed\\n.set fixed, 4096\\n");')
    with pytest.raises(BadInput, match="Not defined: fixed"):
        link([("main.o", main), ("there.o", there)], "entry", COMPILERS[compiler][0])


def test_a_strong_definition_is_taken_before_a_weak_one(tmp_path: Path) -> None:
    main = compiled(tmp_path, "x64-gcc", HIDDEN + "int n(void); int entry(int x) { return n() + x; }")
    weak = compiled(tmp_path, "x64-gcc", HIDDEN + "__attribute__((weak)) int n(void) { return 1; }")
    strong = compiled(tmp_path, "x64-gcc", HIDDEN + "int n(void) { return 2; }")
    for objects in ([main, weak, strong], [main, strong, weak]):
        text = link([(f"{i}.o", data) for i, data in enumerate(objects)], "entry", "EM_X86_64").text
        assert call("EM_X86_64", text, 0x10000, 40) == 42


def test_sections_that_share_bytes_are_refused(honest: dict[str, list[tuple[str, bytes]]]) -> None:
    """A section's size made that of the file: all of it would be read again and again."""
    name, content = honest["armv7em-gcc"][0]
    first, count = struct.unpack_from("<I", content, 32)[0], struct.unpack_from("<H", content, 48)[0]
    hostile = bytearray(content)
    for at in range(first, first + 40 * count, 40):
        if struct.unpack_from("<I", content, at + 4)[0] == 1:  # SHT_PROGBITS
            struct.pack_into("<II", hostile, at + 16, 0, len(content))
    with pytest.raises(BadInput, match=rf"main.o: its sections hold \d+ bytes, the file {len(content)}"):
        link([(name, bytes(hostile))], "entry", "EM_ARM")


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[tuple[str, bytes]]]:
    folder = tmp_path_factory.mktemp("objects")
    return {
        name: [(part, compiled(folder, name, source)) for part, source in (("main.o", MAIN), ("other.o", OTHER))]
        for name in ("x64-gcc", "armv7em-gcc", "rv32imc-gcc")
    }


def tables_of(content: bytes) -> list[range]:
    """Where an object says what lies where: its header, the sections', the symbols, the relocations."""
    elf = ELFFile(io.BytesIO(content))
    found = [range(elf["e_ehsize"]), range(elf["e_shoff"], elf["e_shoff"] + elf["e_shnum"] * elf["e_shentsize"])]
    kinds = ("SHT_SYMTAB", "SHT_REL", "SHT_RELA", "SHT_STRTAB")
    parts = [part for part in elf.iter_sections() if part["sh_type"] in kinds and part["sh_size"]]
    return found + [range(part["sh_offset"], part["sh_offset"] + part["sh_size"]) for part in parts]


NUMBERS = st.one_of(
    st.integers(0, 64), st.sampled_from([1 << 31, (1 << 31) - 1, (1 << 32) - 1, 1 << 20]), st.integers(0, (1 << 32) - 1)
)


@settings(max_examples=300, deadline=10_000, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_hostile_object_is_refused_or_linked_within_its_bounds(
    data: st.DataObject, honest: dict[str, list[tuple[str, bytes]]]
) -> None:
    """Bytes anywhere, and numbers where it says what lies where; an end too early."""
    compiler = data.draw(st.sampled_from(sorted(honest)))
    (name, content), other = honest[compiler]
    hostile = bytearray(content)
    for _ in range(data.draw(st.integers(0, 3))):
        hostile[data.draw(st.integers(0, len(hostile) - 1))] = data.draw(st.integers(0, 255))
    for _ in range(data.draw(st.integers(0, 4))):
        table = data.draw(st.sampled_from(tables_of(content)))
        at = min(table.start + 4 * data.draw(st.integers(0, len(table) // 4)), len(hostile) - 4)
        struct.pack_into("<I", hostile, at, data.draw(NUMBERS))
    hostile = hostile[: data.draw(st.sampled_from([len(hostile)] * 6 + [len(hostile) // 2, 40]))]
    try:
        linked: Linked = link([(name, bytes(hostile)), other], "entry", COMPILERS[compiler][0])
    except BadInput as error:
        assert "\n" not in error.line
    else:
        assert all(0 <= offset <= len(linked.text) for offset in linked.symbols.values())
        most = (len(hostile) + len(other[1])) * linked.align  # a section of one byte may take as much
        assert len(linked.text) <= most
