"""Links the serial application, with the model of a simulator board's project, into an image for the simulator."""

from __future__ import annotations

from pathlib import Path

from ..boards import BoardProfile, SimulatorSpec
from ..errors import BadInput
from ..image import Image
from ..processes import run
from ..project import read_manifest
from ..resources import data_dir
from .build import (
    OPTIMIZE_FLAGS,
    SECTION_FLAGS,
    TARGET_FLAGS,
    compile_sources,
    environment,
    include_flags,
    link_error,
    model_sources,
    too_slow,
)
from .compilers import WARNINGS, Toolchain, find_toolchain
from .elf import functions

_CLOCKS = {"cmsdk": 1, "nrf_timer": 2, "minstret": 3, "sse": 5}  # TG_CLOCK_… of firmware/platform/tg_sim.h
_NOT_THE_APPS = ("harness.c", "native.c", "mem.c")
_NOT_HERE = ("tg_cycles.c",)  # tg_cycles_sim.c is
_TIMEOUT_S = 300.0


def build_app(
    project: Path, board: BoardProfile, spec: SimulatorSpec, workdir: Path, toolchain: str | None = None
) -> Image:
    """The image whose serial line, as `spec` names it, answers as a board's does; layers are timed.

    Raises as build_image does, and BadInput for a project that has no ahead-of-time model.
    """
    manifest = read_manifest(project)
    name = manifest.model.name
    script = project / "sim" / "link.ld"
    if manifest.runtime != "aot" or not script.is_file():
        raise BadInput(f"{project}: --runtime {manifest.runtime} runs on a real board alone.", "Give the board's port.")
    tools = find_toolchain(board.core, toolchain)
    flags = (*tools.target_flags, *WARNINGS, OPTIMIZE_FLAGS[manifest.optimize], *TARGET_FLAGS, *SECTION_FLAGS)
    includes = (*include_flags(project, name), "-I", str(data_dir("firmware") / "app"))
    layers = max((layer.index for layer in manifest.plan.layers), default=0) + 1
    defines = ("-DTG_TRACE", f"-DTG_LAYERS={layers}", *serial_defines(spec))
    model = compile_sources(tools, (*flags, "-DTG_TRACE"), model_sources(project, name), includes, workdir / "model")
    rest = [p for p in sorted((project / "sim").glob("*.[cS]")) if p.name not in _NOT_THE_APPS]
    rest += [project / "sim" / "mem.c", *_application()]
    assembly = [p for p in rest if p.suffix == ".S"]
    sources = [p for p in rest if p.suffix != ".S"]
    string = ("-include", str(data_dir("firmware") / "app" / "tg_sim_string.h"))
    flags_own = (*flags, "-fno-builtin", *defines)
    own = compile_sources(tools, (*flags_own, *string), sources, includes, workdir / "app")
    own += compile_sources(tools, flags_own, assembly, includes, workdir / "app")
    elf = workdir / "program.elf"
    _link(tools, script, (*model, *own), elf, name, board)
    return Image(
        elf=elf, model=name, core=board.core, host=False, compiler=tools.name, compiler_version=tools.version,
        flags=flags, trace=True, functions=functions(elf),
    )  # fmt: skip


def _link(tools: Toolchain, script: Path, objects: tuple[Path, ...], elf: Path, name: str, board: BoardProfile) -> None:
    linker = (*tools.command, *tools.target_flags, "-nostdlib", "-static", "-Wl,--gc-sections", f"-Wl,-T,{script}")
    command = [*linker, "-Wl,-e,tg_reset", *map(str, objects), "-o", str(elf), *tools.libraries]
    done = run(command, timeout_s=_TIMEOUT_S, env=environment())
    if done.code != 0:
        raise too_slow(tools) if done.code is None else link_error(done.stderr, name, board)


def _application() -> list[Path]:
    """firmware/app with the simulator's port and clock."""
    files = sorted((data_dir("firmware") / "app").glob("tg_*.c"))
    ports = [file for file in files if file.name.startswith("tg_port_") and file.name != "tg_port_qemu.c"]
    return [file for file in files if file not in ports and file.name not in _NOT_HERE]


def serial_defines(spec: SimulatorSpec) -> tuple[str, ...]:
    """What firmware/app/tg_port_qemu.c has to know of the machine: its UART and its clock."""
    kind, _, address = spec.serial.partition("@")
    clock, _, place = spec.clock.partition("@")
    base, _, hz = place.partition(":")
    return (
        f"-DTG_SIM_UART_{kind.upper()}", f"-DTG_SIM_UART={address}u", "-DTG_LINK_SIMULATED=1",
        f"-DTG_SIM_CLOCK={_CLOCKS[clock]}", f"-DTG_SIM_CLOCK_ADDRESS={base or 0}u",
        f"-DTG_SIM_CLOCK_HZ={hz or 1000000000}u",
    )  # fmt: skip
