"""Finds a C compiler for a core or for the host, and knows the flags that name the core."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Literal

from ..errors import BadInput, MissingTool
from ..processes import run

Kind = Literal["gcc", "clang", "zig"]

#: Every file of a model and of the harness compiles with these.
WARNINGS = ("-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Werror")


@dataclass(frozen=True)
class Toolchain:
    """A compiler with the flags that name its target; `libraries` end the link line."""

    kind: Kind
    name: str
    version: str
    command: tuple[str, ...]
    target_flags: tuple[str, ...]
    libraries: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Core:
    gcc: tuple[str, ...]
    zig_target: str
    zig_cpu: str
    family: Literal["arm", "riscv", "xtensa"]


def _arm(cpu: str, gcc_fpu: str, zig_cpu: str) -> _Core:
    abi = (
        ("-mfloat-abi=hard", *((f"-mfpu={gcc_fpu}",) if gcc_fpu != "auto" else ()))
        if gcc_fpu
        else ("-mfloat-abi=soft",)
    )
    aligned = () if cpu in ("cortex-m0", "cortex-m0plus") else ("-mno-unaligned-access",)
    return _Core(
        gcc=("-mthumb", f"-mcpu={cpu}", *abi, *aligned),
        zig_target="thumb-freestanding-eabihf" if gcc_fpu else "thumb-freestanding-eabi",
        zig_cpu=f"{zig_cpu}+strict_align" if aligned else zig_cpu,  # zig passes over -mno-unaligned-access
        family="arm",
    )


#: Unaligned accesses trap in the simulators, so no compiler may make any. Cores with an FPU use the hard-float ABI.
CORES: dict[str, _Core] = {
    "cortex-m0": _arm("cortex-m0", "", "cortex_m0"),
    "cortex-m0plus": _arm("cortex-m0plus", "", "cortex_m0plus"),
    "cortex-m3": _arm("cortex-m3", "", "cortex_m3"),
    "cortex-m4": _arm("cortex-m4", "", "cortex_m4"),
    "cortex-m4f": _arm("cortex-m4", "fpv4-sp-d16", "cortex_m4+vfp4d16sp"),
    "cortex-m7": _arm("cortex-m7", "fpv5-sp-d16", "cortex_m7+fp_armv8d16sp"),
    "cortex-m33": _arm("cortex-m33", "fpv5-sp-d16", "cortex_m33+fp_armv8d16sp"),
    "cortex-m55": _arm("cortex-m55", "auto", "cortex_m55+mve"),
    "rv32imc": _Core(
        gcc=("-march=rv32imc", "-misa-spec=2.2", "-mabi=ilp32", "-mcmodel=medany"),
        zig_target="riscv32-freestanding-none",
        zig_cpu="generic_rv32+m+c+zicsr",
        family="riscv",
    ),
}

_GCC_NAMES = {
    "arm": ("arm-none-eabi-gcc",),
    "riscv": ("riscv64-unknown-elf-gcc", "riscv32-unknown-elf-gcc", "riscv32-esp-elf-gcc", "riscv-none-elf-gcc"),
    "xtensa": (),
}
_PACKAGES = {"arm": "gcc-arm-none-eabi", "riscv": "gcc-riscv64-unknown-elf", "xtensa": ""}


def find_toolchain(core: str, prefer: str | None = None) -> Toolchain:
    """A cross compiler for `core`: gcc where it is installed, else zig; `prefer` ("gcc" or "zig") asks for one of them.

    Raises MissingTool where there is none, BadInput for a core without a cross build or an unknown `prefer`.
    """
    if prefer not in (None, "gcc", "zig"):
        raise BadInput(f"Unknown toolchain {prefer!r}: gcc and zig are known.")
    spec = CORES.get(core)
    if spec is None:
        raise BadInput(f"Core {core}: no cross build here, only a run on the host.", "--on native")
    if prefer != "zig":
        for name in _GCC_NAMES[spec.family]:
            path = shutil.which(name)
            if path:
                return Toolchain("gcc", name, _version((path,)), (path,), spec.gcc, ("-lgcc",))
    if prefer != "gcc":
        zig = _zig()
        if zig:
            shared = tuple(f for f in spec.gcc if f in ("-mcmodel=medany",))
            quiet = ("-fno-sanitize=undefined", "-fno-unwind-tables", "-fno-unroll-loops")
            flags = ("-target", spec.zig_target, f"-mcpu={spec.zig_cpu}", *quiet, *shared)
            return Toolchain("zig", "zig", _version(zig[:-1], "version"), zig, flags, ("-lcompiler_rt",))
    package = _PACKAGES[spec.family]
    both = f"`apt install {package}`, or `pip install 'tinygen[sim]'` for zig's"
    hint = {"gcc": f"`apt install {package}`.", "zig": "pip install 'tinygen[sim]'", None: both}[prefer]
    raise MissingTool(f"No {prefer or 'C'} compiler for {core} is installed.", hint)


def stand_in_toolchain(core: str) -> Toolchain:
    """A compiler of the core's family that builds programs of its bits, not of its size or speed; MissingTool without.

    Espressif's cores have none in Debian or pip; gcc for the LX106 makes code that the LX6 and LX7 run, by the call0
    ABI. Its library has no floating point: models with float layers do not link.
    """
    if not core.startswith("xtensa"):
        raise BadInput(f"Core {core}: no stand-in for its compiler is known.")
    name = "xtensa-lx106-elf-gcc"
    path = shutil.which(name)
    if path is None:
        raise MissingTool(f"{name} is not installed.", "`apt install gcc-xtensa-lx106`; `--on native` needs none.")
    flags = ("-mlongcalls", "-mtext-section-literals")
    return Toolchain("gcc", name, _version((path,)), (path,), flags, ("-lgcc",))


def without_fpu(tools: Toolchain) -> Toolchain:
    """The same for programs whose FPU is not to be used: the soft-float ABI, no floating-point registers."""

    def soft(flag: str) -> str:
        flag = flag.replace("-mfloat-abi=hard", "-mfloat-abi=soft").replace("eabihf", "eabi")
        return flag.partition("+")[0] if flag.startswith("-mcpu=cortex") else flag

    return replace(tools, target_flags=tuple(soft(f) for f in tools.target_flags if not f.startswith("-mfpu=")))


def host_toolchain(sanitize: bool = False) -> Toolchain:
    """A compiler for this machine, with AddressSanitizer and UndefinedBehaviorSanitizer on request."""
    flags: tuple[str, ...] = ()
    if sanitize:
        flags = ("-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer")
    named = os.environ.get("CC", "")
    for name in (named, "cc", "gcc", "clang"):
        path = shutil.which(name) if name else None
        if path:
            version = _version((path,))
            return Toolchain("clang" if "clang" in version else "gcc", name, version, (path,), flags)
    zig = None if sanitize else _zig()
    if zig:
        return Toolchain("zig", "zig", _version(zig[:-1], "version"), zig, ("-fno-sanitize=undefined",))
    what = "No C compiler with the sanitizers" if sanitize else "No C compiler for this machine"
    raise MissingTool(f"{what} is installed.", "`apt install gcc`, or `pip install 'tinygen[sim]'` for zig's")


def _zig() -> tuple[str, ...] | None:
    if importlib.util.find_spec("ziglang") is not None:
        return (sys.executable, "-m", "ziglang", "cc")
    path = shutil.which("zig")
    return (path, "cc") if path else None


@cache
def _version(command: tuple[str, ...], option: str = "--version") -> str:
    lines = run([*command, option], timeout_s=60).stdout.strip().splitlines()
    return lines[0].strip() if lines else "unknown"


def environment() -> dict[str, str]:
    """Messages in English; zig's caches in the user's cache folder, where every run shares them."""
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tinygen" / "zig"
    caches = {"ZIG_GLOBAL_CACHE_DIR": str(base), "ZIG_LOCAL_CACHE_DIR": str(base)}
    return {**os.environ, "LC_ALL": "C", **{k: v for k, v in caches.items() if k not in os.environ}}
