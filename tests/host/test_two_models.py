"""Two rendered libraries in one program, on the host and linked for a target; generated C held to every compiler."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from small_models import MODELS, conv, dense, hostile

from tinygen.boards import load_board
from tinygen.compiled import Model, compile_model, open_model
from tinygen.pipeline import generate
from tinygen.project import read_manifest
from tinygen.resources import data_dir
from tinygen.simulate.inputs import generated
from tinygen.simulate.reference import reference
from tinygen.toolchain.build import TARGET_FLAGS
from tinygen.toolchain.compilers import environment, find_toolchain

TWO = Path(__file__).resolve().parent / "two"
BOARD = "nucleo_f446re"
STRICT = ("-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Werror")
REAL = [("kws_ref_int8", "hello_world_int8")]


def ran(command: Sequence[str | Path], folder: Path) -> bytes:
    done = subprocess.run(
        [str(c) for c in command], cwd=folder, env=environment(), capture_output=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr.decode(errors="replace")[:3000]
    return done.stdout


def compiler(name: str) -> str:
    path = shutil.which(name)
    if path is None:
        pytest.skip(f"{name} not found")
    return path


def library(model: Model, folder: Path, keep_input: bool = False) -> Path:
    """The folder of a model's rendered sources."""
    generate(model, BOARD, folder / model.name, keep_input=keep_input)
    return folder / model.name / "lib" / model.name / "src"


def objects(source: Path, flags: Sequence[str], cc: Sequence[str], out: Path) -> list[Path]:
    """A library's object files, compiled with nothing but itself to include."""
    made = []
    for path in sorted(source.glob("*.c")):
        made.append(out / f"{path.stem}.o")
        ran([*cc, "-std=c99", *STRICT, *flags, "-I", source, "-c", path, "-o", made[-1]], out)
    return made


def expected(folder: Path, models: Sequence[Model]) -> bytes:
    """The reference's outputs for the ramp: all of the first, all of the second, and the same again."""
    outputs = b""
    for model in models:
        manifest = read_manifest(folder / model.name)
        ramp = generated(manifest.model.inputs, 0)
        outputs += reference(folder / model.name / manifest.model.file, [ramp]).outputs[0]
    return outputs * 2


def program(
    models: Sequence[Model], folder: Path, cc: Sequence[str], flags: Sequence[str], shared: int = 0
) -> list[Path]:
    """Objects of both libraries and of main.c."""
    defines = [f"-DFIRST={models[0].name}", f"-DSECOND={models[1].name}"]
    defines += [f'-DFIRST_H="{models[0].name}.h"', f'-DSECOND_H="{models[1].name}.h"']
    sources = [library(model, folder) for model in models]
    made: list[Path] = []
    for model, source in zip(models, sources):
        arena = [f"-D{model.name.upper()}_ARENA=shared_arena"] if shared else []
        made += objects(source, [*flags, *arena], cc, folder)
    defines += [f"-DSHARED_BYTES={shared}"] if shared else []
    includes = [part for source in sources for part in ("-I", str(source))]
    ran([*cc, "-std=c99", *flags, *defines, *includes, "-c", TWO / "main.c", "-o", folder / "main.o"], folder)
    return [*made, folder / "main.o"]


@pytest.fixture(params=[("conv", "hostile"), *REAL], ids="+".join)
def models(request: pytest.FixtureRequest) -> list[Model]:
    if request.param == ("conv", "hostile"):
        return [conv(), hostile()]
    find: Callable[[str], Path] = request.getfixturevalue("model_path")
    return [open_model(find(name)) for name in request.param]


@pytest.mark.needs_cc
@pytest.mark.needs_tflm
@pytest.mark.parametrize("sharing", [False, True], ids=["own arenas", "one arena"])
def test_both_give_the_reference_bits(models: list[Model], sharing: bool, tmp_path: Path) -> None:
    arenas = [compile_model(model, load_board(BOARD)).plan.arena_bytes for model in models]
    flags = ["-O1", "-g0", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
    made = program(models, tmp_path, ["cc"], flags, shared=max(arenas) if sharing else 0)
    ran(["cc", *flags, *made, "-o", tmp_path / "two"], tmp_path)
    assert ran([tmp_path / "two"], tmp_path) == expected(tmp_path, models)


@pytest.mark.needs_cross
@pytest.mark.parametrize("sharing", [False, True], ids=["own arenas", "one arena"])
def test_both_link_for_a_target(sharing: bool, tmp_path: Path) -> None:
    """No name is defined twice, none is missing, and a shared arena leaves no other."""
    pair = [conv(), dense()]
    arenas = [compile_model(model, load_board(BOARD)).plan.arena_bytes for model in pair]
    tools = find_toolchain("cortex-m4f")
    cc = [*tools.command, *tools.target_flags]
    made = program(pair, tmp_path, cc, ["-O2", *TARGET_FLAGS], shared=max(arenas) if sharing else 0)
    ran(
        [*cc, "-O2", *TARGET_FLAGS, "-fno-builtin", "-c", data_dir("firmware") / "platform" / "mem.c", "-o", "mem.o"],
        tmp_path,
    )
    link = ["-nostdlib", "-static", "-Wl,-e,two_models", "-Wl,-u,two_models", "-Wl,--gc-sections"]
    ran([*cc, *link, *made, "mem.o", "-o", "two.elf", *tools.libraries], tmp_path)
    names = (tmp_path / "two.elf").read_bytes()
    assert (b"conv_arena" in names, b"dense_arena" in names, b"shared_arena" in names) == (
        not sharing,
        not sharing,
        sharing,
    )


@pytest.mark.needs_cc
@pytest.mark.parametrize("cc", ["gcc", "clang"])
@pytest.mark.parametrize("name", MODELS)
def test_generated_c_is_clean_c99(name: str, cc: str, tmp_path: Path) -> None:
    for flags in (["-O2"], ["-O2", "-ffreestanding"], ["-O0", "-DTG_TRACE"], [f"-D{name.upper()}_ARENA=mine"]):
        assert objects(library(MODELS[name](), tmp_path), flags, [compiler(cc)], tmp_path)


@pytest.mark.needs_cc
@pytest.mark.parametrize("cxx", ["g++", "clang++"])
@pytest.mark.parametrize("name", MODELS)
def test_header_serves_cpp17(name: str, cxx: str, tmp_path: Path) -> None:
    source = library(MODELS[name](), tmp_path)
    made = objects(source, ["-O1"], ["cc"], tmp_path)
    defines = [f"-DMODEL={name}", f"-DPREFIX={name.upper()}", f'-DMODEL_H="{name}.h"']
    strict = [compiler(cxx), "-std=c++17", *STRICT, "-Wold-style-cast", "-Wsign-conversion"]
    ran([*strict, *defines, "-I", source, TWO / "user.cpp", *made, "-o", "user"], tmp_path)
    assert ran([tmp_path / "user"], tmp_path) == f"{name} 0 1\n".encode()
