"""The user C module: the reference's bits and the contract's errors, run on the host by a stand-in runtime."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from ring_model import ring
from small_models import MODELS

from tinygen.boards import load_board
from tinygen.compiled import Model, compile_model, open_model
from tinygen.micropython.module import ModuleSource, module_source
from tinygen.micropython.usermod import usermod_files
from tinygen.simulate.reference import reference

pytestmark = [pytest.mark.needs_cc, pytest.mark.needs_tflm]
RUNTIME = Path(__file__).resolve().parent / "usermod"
STRICT = ("-std=c11", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Werror")
#: What MicroPython's ports add to -Wall -Wextra.
PORTS = ("-Wpointer-arith", "-Wdouble-promotion", "-Wfloat-conversion")
SANITIZERS = ("-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")


def rendered(model: Model, folder: Path) -> ModuleSource:
    """Writes the model's usermod folder; returns what the native module of the same plan is."""
    compiled = compile_model(model, load_board("pico"))
    parts = (compiled.graph, compiled.layers, compiled.plan, model.info)
    for name, text in usermod_files(*parts).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return module_source(*parts)


def built(folder: Path, names: Sequence[str], compiler: str = "gcc") -> Path:
    """The modules of those names with the runtime around them, by gcc under the sanitizers."""
    sources = [folder / "usermod" / f"_{name}" / f"mod_{name}.c" for name in names]
    qstrs = sorted({q for path in sources for q in re.findall(r"MP_QSTR_(\w+)", path.read_text("utf-8"))})
    enum, texts = (", ".join(shape.format(q) for q in qstrs) for shape in ("MP_QSTR_{}", '"{}"'))
    array = "static const char *const QSTRS[] __attribute__((unused))"
    (folder / "qstrs.h").write_text(f"enum {{ {enum} }};\n{array} = {{{texts}}};\n", "utf-8")
    command = [compiler, *STRICT, *PORTS, "-O1", *(SANITIZERS if compiler == "gcc" else ())]
    command += [f"-DFIRST={names[0]}_user_cmodule", f"-DSECOND={names[-1]}_user_cmodule", "-I", str(RUNTIME)]
    command += ["-I", str(folder), *map(str, sources), str(RUNTIME / "main.c"), "-o", str(folder / "program")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[:3000]
    return folder / "program"


def told(program: Path, lines: Sequence[str]) -> list[str]:
    done = subprocess.run([program], input="\n".join(lines) + "\n", capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[:3000]
    return done.stdout.splitlines()


def samples_of(source: ModuleSource, count: int) -> list[bytes]:
    return [np.random.default_rng(i).integers(-128, 128, source.input_bytes, "int8").tobytes() for i in range(count)]


def expected(model: Model, samples: list[bytes], folder: Path) -> list[str]:
    (folder / "model.tflite").write_bytes(model.tflite)
    return [output.hex() for output in reference(folder / "model.tflite", samples, timeout_s=60).outputs]


def small(name: str) -> Model:
    return Model(name, MODELS[name]().tflite)


def run_line(module: int, sample: bytes, source: ModuleSource) -> str:
    return f"{module} run b:{sample.hex()} w:o{module}:{source.output_bytes}:0 w:a{module}:{source.arena_bytes}:0"


@pytest.mark.parametrize("compiler", ["gcc", "clang"])
def test_two_models_in_one_firmware_compute_the_reference_s_bits(compiler: str, tmp_path: Path) -> None:
    if shutil.which(compiler) is None:
        pytest.skip(f"{compiler} not found")
    models = [small("conv"), small("dense")]
    sources = [rendered(model, tmp_path) for model in models]
    program = built(tmp_path, [model.name for model in models], compiler)
    for module, (model, source) in enumerate(zip(models, sources)):
        samples = samples_of(source, 4)
        assert told(program, [run_line(module, s, source) for s in samples]) == expected(model, samples, tmp_path)
        sizes = [f"_{model.name} {source.arena_bytes} {source.input_bytes} {source.output_bytes}"]
        assert told(program, [f"{module} sizes"]) == sizes, "those of the native module"


def test_a_streaming_model_starts_itself_and_forgets_by_reset(tmp_path: Path) -> None:
    model = ring()
    source = rendered(model, tmp_path)
    samples = samples_of(source, 5)
    runs = [run_line(0, sample, source) for sample in samples]
    program = built(tmp_path, [model.name])
    wanted = expected(model, samples, tmp_path)
    arena = f"w:a0:{source.arena_bytes}:0"
    assert told(program, [*runs, f"0 reset {arena}", *runs]) == [*wanted, "", *wanted]
    assert len(set(wanted)) > 1


def test_wrong_arguments_are_told_as_the_native_module_tells_them(tmp_path: Path) -> None:
    model = small("dense")
    source = rendered(model, tmp_path)
    n, out, arena = source.input_bytes, source.output_bytes, source.arena_bytes
    good = (f"b:{bytes(n).hex()}", f"w:o:{out}:0", f"w:a:{arena}:0")
    small_arena, crooked = f"w:a8:{arena - 8}:0", f"w:a3:{arena}:3"
    wrong = [
        (f"b:{bytes(n + 1).hex()}", *good[1:]), (good[0], f"w:o1:{out - 1}:0", good[2]), (*good[:2], small_arena),
        ("i", *good[1:]), (good[0], f"b:{bytes(out).hex()}", good[2]), (*good[:2], crooked),
    ]  # fmt: skip
    lines = [f"0 run {' '.join(words)}" for words in wrong]
    lines += [f"0 reset {word}" for word in (small_arena, crooked, "i")]
    assert told(built(tmp_path, [model.name]), lines) == [
        f"ValueError: samples: {n + 1} bytes, wanted {n}",
        f"ValueError: out: {out - 1} bytes, wanted {out}",
        f"ValueError: arena: {arena - 8} bytes, wanted {arena}",
        "TypeError: object with buffer protocol required",
        "TypeError: object with buffer protocol required",
        "ValueError: arena: begins 3 bytes after a multiple of 8",
        f"ValueError: arena: {arena - 8} bytes, wanted {arena}",
        "ValueError: arena: begins 3 bytes after a multiple of 8",
        "TypeError: object with buffer protocol required",
    ]


@pytest.mark.slow
@pytest.mark.needs_models
@pytest.mark.parametrize("name", ["kws_ref_int8", "micro_speech_int8", "ad01_int8"])
def test_real_models(name: str, model_path: Callable[[str], Path], tmp_path: Path) -> None:
    model = open_model(model_path(name))
    source = rendered(model, tmp_path)
    samples = samples_of(source, 2)
    lines = [run_line(0, sample, source) for sample in samples]
    assert told(built(tmp_path, [model.name]), lines) == expected(model, samples, tmp_path)


def test_nothing_of_a_module_is_writable_or_shared(tmp_path: Path) -> None:
    """But its module object and the kernels, which are there once for all models, no symbol is visible."""
    model = small("conv")
    rendered(model, tmp_path)
    built(tmp_path, [model.name])  # writes qstrs.h
    source = tmp_path / "usermod" / "_conv" / "mod_conv.c"
    made = tmp_path / "mod_conv.o"
    command = ["gcc", "-O2", "-fno-pie", "-I", RUNTIME, "-I", tmp_path, "-c", source, "-o", made]
    subprocess.run(command, check=True, timeout=60)
    listed = subprocess.run(["nm", made], capture_output=True, text=True, check=True, timeout=60).stdout
    defined = [line.split()[1:] for line in listed.splitlines() if line.split()[-2] != "U"]
    assert [name for kind, name in defined if kind.isupper() and kind != "W"] == ["conv_user_cmodule"]
    assert all(name.startswith("tg_") for kind, name in defined if kind == "W")
    assert not [name for kind, name in defined if kind in "dDbBcC"]


def test_the_folder_is_found_by_make_and_cmake(tmp_path: Path) -> None:
    rendered(small("conv"), tmp_path)
    folder = tmp_path / "usermod" / "_conv"
    assert "SRC_USERMOD_C += $(USERMOD_DIR)/mod_conv.c" in (folder / "micropython.mk").read_text()
    assert "target_link_libraries(usermod INTERFACE usermod_conv)" in (folder / "micropython.cmake").read_text()
    assert 'module("conv.py", base_path="../device")' in (tmp_path / "usermod" / "manifest.py").read_text()
