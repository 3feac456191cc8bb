"""Compiles a rendered project's model with the simulation harness, and links it for its board or for this machine."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from ..boards import BoardProfile
from ..errors import BadInput, MissingTool, OverBudget, TinygenError
from ..image import Image
from ..processes import run
from ..project import read_manifest
from ..resources import data_dir
from .compilers import WARNINGS, Toolchain, find_toolchain, host_toolchain, stand_in_toolchain, without_fpu
from .compilers import environment as environment
from .elf import functions, roots

#: Of every firmware program: what it is compiled with besides the core's flags.
SECTION_FLAGS = ("-ffunction-sections", "-fdata-sections")
TARGET_FLAGS = ("-ffreestanding", "-fbuiltin")
OPTIMIZE_FLAGS = {"speed": "-O2", "balanced": "-O2", "size": "-Os"}
_OVERFLOW = re.compile(
    r"region [`'](\w+)'.*?overflowed by (\d+) bytes|section '([^']+)'.*?region '(\w+)'.*?overflowed by (\d+)"
)
_TIMEOUT_S = 300.0
_STAND_IN = "standin"  # in sim/: what boards have whose own compiler is not here


def build_image(
    project: Path,
    board: BoardProfile,
    workdir: Path,
    toolchain: str | None = None,
    trace: bool = False,
    mailbox: bool = False,
) -> Image:
    """The project's model and harness, linked into the board's memory; objects and the program stay in `workdir`.

    `toolchain` is "gcc", "zig" or None for the first that is there; `trace` calls a hook after every layer. With
    `mailbox` it is for a simulator without semihosting and with an FPU that is not to be relied on: the harness talks
    to the host through words of RAM.
    Raises MissingTool without a compiler, OverBudget where the program does not fit the board, TinygenError with the
    compiler's first message where the C does not compile.
    """
    manifest = read_manifest(project)
    name = manifest.model.name
    sim = project / "sim"
    stand_in = mailbox and (sim / _STAND_IN).is_dir()
    machine = sim / _STAND_IN if stand_in else sim
    script = machine / "link.ld"
    if not script.is_file():
        raise BadInput(f"{project}: rendered for a board that has no cross build here.", "--on native runs it.")
    tools = stand_in_toolchain(board.core) if stand_in else find_toolchain(board.core, toolchain)
    if mailbox:
        tools = without_fpu(tools)
    flags = (*tools.target_flags, *WARNINGS, OPTIMIZE_FLAGS[manifest.optimize], *TARGET_FLAGS, *SECTION_FLAGS)
    defines = ("-DTG_TRACE",) if trace else ()
    model = compile_sources(
        tools, (*flags, *defines), model_sources(project, name), include_flags(project, name), workdir / "model"
    )
    memory = compile_sources(tools, (*flags, "-fno-builtin"), [machine / "mem.c"], (), workdir / "model")
    own = sorted({sim / "harness.c", *machine.glob("*.[cS]")} - {sim / "native.c", machine / "mem.c"})
    speaks = ("-DTG_MAILBOX",) if mailbox else ()
    freestanding = (*flags, "-fno-builtin", *defines, *speaks)
    harness = compile_sources(tools, freestanding, own, include_flags(project, name), workdir / "harness")
    elf = workdir / "program.elf"
    objects = (*model, *memory)
    linker = (
        *tools.command, *tools.target_flags, "-nostdlib", "-static", "-Wl,--gc-sections", f"-Wl,-T,{script}",
        *(() if stand_in else roots(objects, name)),
    )  # fmt: skip
    done = run(
        [*linker, "-Wl,-e,tg_reset", *map(str, (*objects, *harness)), "-o", str(elf), *tools.libraries],
        timeout_s=_TIMEOUT_S,
        env=environment(),
    )
    if done.code != 0:
        raise link_error(done.stderr, name, board) if done.code is not None else too_slow(tools)
    image = Image(
        elf=elf,
        model=name,
        core=board.core,
        host=False,
        compiler=tools.name,
        compiler_version=tools.version,
        flags=flags,
        trace=trace,
        objects=objects,
        linker=linker,
        linker_tail=tools.libraries,
        stand_in=stand_in,
    )
    return replace(image, functions=functions(elf), counter=_counter(workdir))


def build_host(project: Path, workdir: Path, sanitize: bool = False, trace: bool = False) -> Image:
    """The same for this machine; `sanitize` adds AddressSanitizer and UndefinedBehaviorSanitizer."""
    name = read_manifest(project).model.name
    tools = host_toolchain(sanitize)
    defines = ("-DTG_TRACE",) if trace else ()
    flags = (*tools.target_flags, *WARNINGS, "-O2", *SECTION_FLAGS)
    sources = [*model_sources(project, name), project / "sim" / "harness.c", project / "sim" / "native.c"]
    objects = compile_sources(tools, (*flags, *defines), sources, include_flags(project, name), workdir / "host")
    program = workdir / "program"
    command = [*tools.command, *tools.target_flags, *map(str, objects), "-o", str(program), "-lm"]
    done = run(command, timeout_s=_TIMEOUT_S, env=environment())
    if done.code != 0:
        raise TinygenError(f"{name}: the program of the host does not link: {_first(done.stderr)}")
    return Image(program, name, "host", True, tools.name, tools.version, flags, trace)


def _counter(workdir: Path) -> Path | None:
    """The library that counts for unicorn; None without a compiler for this machine: unicorn then counts in Python."""
    source = data_dir("firmware") / "platform" / "count_blocks.c"
    library = workdir / "count_blocks.so"
    try:
        tools = host_toolchain()
        command = [*tools.command, *tools.target_flags, "-O2", "-shared", "-fPIC", str(source), "-o", str(library)]
        done = run(command, timeout_s=_TIMEOUT_S, env=environment())
    except MissingTool:
        return None
    return library if done.code == 0 else None


def model_sources(project: Path, name: str) -> list[Path]:
    """The C of a project's model."""
    sources = sorted((project / "lib" / name / "src").glob("*.c"))
    if not sources:
        raise BadInput(f"{project}: no C in lib/{name}/src.", "`tinygen generate` renders it anew.")
    return sources


def include_flags(project: Path, name: str) -> tuple[str, ...]:
    """Where the model's headers and the harness's lie."""
    return ("-I", str(project / "lib" / name / "src"), "-I", str(project / "sim"))


def compile_sources(
    tools: Toolchain, flags: tuple[str, ...], sources: list[Path], includes: tuple[str, ...], folder: Path
) -> tuple[Path, ...]:
    """The objects of C and assembly, in `folder`; TinygenError with the compiler's first message."""
    folder.mkdir(parents=True, exist_ok=True)
    objects = []
    for source in sources:
        target = folder / f"{source.name}.o"
        command = [*tools.command, *flags, *includes, "-c", str(source), "-o", str(target)]
        if source.suffix == ".S":
            command = [c for c in command if not c.startswith("-std=")]
        done = run(command, timeout_s=_TIMEOUT_S, env=environment())
        if done.code is None:
            raise too_slow(tools)
        if done.code != 0:
            raise TinygenError(
                f"{source.name} does not compile with {tools.name} {tools.version}: {_first(done.stderr)}"
            )
        objects.append(target)
    return tuple(objects)


def _first(messages: str) -> str:
    lines = [line.strip() for line in messages.splitlines() if line.strip()]
    telling = [
        line
        for line in lines
        if re.search(r"error|undefined|cannot|not found", line, re.I) and "ld returned" not in line
    ]
    return (telling or lines or ["no message"])[0]


def too_slow(tools: Toolchain) -> TinygenError:
    """The error of a compiler that hangs."""
    return TinygenError(f"{tools.name} did not finish within {_TIMEOUT_S:.0f} s.")


def link_error(messages: str, name: str, board: BoardProfile) -> TinygenError:
    """What a linker's messages mean: OverBudget with the bytes where the program does not fit."""
    over: dict[str, int] = {}
    for gnu_region, gnu_bytes, _, region, count in _OVERFLOW.findall(messages):
        key = gnu_region or region
        over[key] = max(over.get(key, 0), int(gnu_bytes or count))
    if not over:
        return TinygenError(f"{name}: the program does not link: {_first(messages)}")
    sizes = {"FLASH": board.flash, "RAM": board.ram}
    parts = [
        f"{region} over by {extra} bytes, {board.name} has {sizes[region].size} at {sizes[region].origin:#010x}"
        for region, extra in sorted(over.items())
        if region in sizes
    ]
    return OverBudget(f"{name} does not fit {board.name}: {'; '.join(parts)}.", "A smaller model, or a larger board.")
