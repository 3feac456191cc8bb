"""Compiles a module's C for an architecture, links it, and wraps it as a .mpy file."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

from ..errors import BadInput, TinygenError
from ..ops.lowering import Optimize
from ..processes import run
from ..toolchain.build import OPTIMIZE_FLAGS, SECTION_FLAGS, TARGET_FLAGS
from ..toolchain.compilers import WARNINGS, Toolchain, environment, find_toolchain, host_toolchain
from .linker import link
from .module import QSTRS, ModuleSource
from .mpy_file import mpy_file

#: Architecture -> the core it is compiled for and the machine of its objects.
CORES = {
    "x64": ("", "EM_X86_64"),
    "armv6m": ("cortex-m0plus", "EM_ARM"),
    "armv7m": ("cortex-m3", "EM_ARM"),
    "armv7emsp": ("cortex-m4f", "EM_ARM"),
    "armv7emdp": ("cortex-m7", "EM_ARM"),
    "rv32imc": ("rv32imc", "EM_RISCV"),
}
_FLAGS = (
    *SECTION_FLAGS, *TARGET_FLAGS, "-fPIC", "-fno-jump-tables", "-fno-common", "-fno-asynchronous-unwind-tables",
    "-fno-stack-protector", "-include", "tg_hidden.h", "-c",
)  # fmt: skip
#: The model's own code, and what is called where the compiler makes no instructions of it: never by calling itself.
_SOURCES = ("module.c", "tg_mpy_float.c")
_SUPPORT = ("mem.c", "tg_mpy_error.c", "tg_mpy_support.c")


@dataclass(frozen=True)
class NativeModule:
    """`data` is the .mpy file; of `text_bytes` MicroPython makes a copy in RAM at import."""

    data: bytes
    text_bytes: int
    blob_bytes: int
    compiler: str


def build_native(
    source: ModuleSource, architecture: str, *, prefer: str | None = None, optimize: Optimize = "balanced"
) -> NativeModule:
    """The module for `architecture`. Raises BadInput for one that has none and for what cannot be linked, MissingTool
    where no compiler for its core is installed."""
    tools = toolchain_of(architecture, prefer)
    with tempfile.TemporaryDirectory(prefix="tinygen-") as folder:
        for name, content in source.files.items():
            (Path(folder) / name).write_text(content, encoding="utf-8")
        objects = compiled_objects(tools, Path(folder), optimize)
    linked = link(objects, "tg_mpy_entry", CORES[architecture][1])
    data = mpy_file(architecture, QSTRS, source.blob, linked.text)
    return NativeModule(
        data,
        len(linked.text),
        len(source.blob),
        tools.version if tools.name in tools.version else f"{tools.name} {tools.version}",
    )


def toolchain_of(architecture: str, prefer: str | None = None) -> Toolchain:
    """The compiler of an architecture's modules; BadInput where it has none, MissingTool where none is installed."""
    if architecture not in CORES:
        raise BadInput(
            f"No native module for {architecture}: {', '.join(CORES)} have one.", "A viper module runs on any."
        )
    core = CORES[architecture][0]
    return _integer_calls(find_toolchain(core, prefer)) if core else host_toolchain()


def compiled_objects(tools: Toolchain, folder: Path, optimize: Optimize) -> list[tuple[str, bytes]]:
    """The objects (name, ELF) of a module whose sources lie in `folder`."""
    model = (*_FLAGS, OPTIMIZE_FLAGS[optimize])
    support = (*_FLAGS, "-Os", "-fno-builtin")
    objects = [(name, _compiled(tools, folder, name, model)) for name in _SOURCES]
    return objects + [(name, _compiled(tools, folder, name, support)) for name in _SUPPORT]


def _integer_calls(tools: Toolchain) -> Toolchain:
    """Floats are passed in integer registers, as our support functions take them; an FPU that is there computes."""

    def soft(flag: str) -> str:
        return flag.replace("-mfloat-abi=hard", "-mfloat-abi=softfp").replace("eabihf", "eabi")

    flags = tuple(soft(flag) for flag in tools.target_flags)
    has_fpu = tools.kind == "zig" and flags != tools.target_flags
    return replace(tools, target_flags=(*flags, *(("-mfloat-abi=softfp",) if has_fpu else ())))


def _compiled(tools: Toolchain, folder: Path, name: str, flags: tuple[str, ...]) -> bytes:
    made = Path(name).with_suffix(".o").name
    command = [*tools.command, *tools.target_flags, *WARNINGS, *flags, name, "-o", made]
    done = run(command, cwd=folder, timeout_s=300, env=environment())
    if done.code != 0:
        raise TinygenError(f"{name} does not compile with {tools.name}: {done.stderr.strip()[:600]}")
    return (folder / made).read_bytes()
