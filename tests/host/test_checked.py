"""Checked builds: the reference's bits still, and a write outside of a buffer is reported with the layer that wrote."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from command_line import tinygen
from ring_model import ring
from small_models import MODELS, conv, dense

from tinygen import compiled
from tinygen.boards import load_board
from tinygen.checking import budget_of, check
from tinygen.compiled import Model, open_model
from tinygen.errors import BadInput, OutputsDiffer
from tinygen.graph.ir import Graph
from tinygen.ops.lowering import Layer, lower
from tinygen.pipeline import generate, render_project
from tinygen.project import TensorRecord, read_manifest
from tinygen.proof import simulate_project
from tinygen.simulation import simulate
from tinygen.toolchain.compilers import environment

pytestmark = [pytest.mark.needs_cc, pytest.mark.needs_tflm]

TWO = Path(__file__).resolve().parent / "two"
QEMU = "qemu_mps2_an386"
SMALL = {**MODELS, "ring": ring}
STRICT = ["-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Werror"]
FOUND = r"a write outside of the layer's buffers in layer {}\."


def project(model: Model, folder: Path, checked: bool = True) -> Path:
    generate(model, QEMU, folder / "p", checked=checked)
    return folder / "p"


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert text.count(old) == 1, (path, old, text.count(old))
    path.write_text(text.replace(old, new))


def source(folder: Path, name: str) -> Path:
    return next((folder / "lib").glob(f"*/src/{name}"))


def proven(model: Model, folder: Path) -> None:
    """Bits on the host under the sanitizers and on a core, and what was planned against what was linked."""
    made = generate(model, QEMU, folder / "p", checked=True)
    assert made.manifest.checked and read_manifest(folder / "p").checked
    assert simulate(folder / "p", on="native", sanitize=True).mismatched_samples == 0
    report = simulate(folder / "p")
    assert (report.simulator, report.mismatched_samples, report.checked) == ("qemu", 0, True)
    plan = made.manifest.plan
    assert (report.arena_bytes, report.state_bytes) == (plan.arena_bytes, plan.state_bytes)
    linked, planned = budget_of(report, load_board(QEMU)), made.budget
    assert linked.checked and linked.performance.instructions == report.instructions_per_inference
    assert linked.flash.used_bytes <= planned.flash.used_bytes and linked.ram.used_bytes <= planned.ram.used_bytes
    header = source(folder / "p", f"{model.name}.h").read_text()
    assert f"arena {plan.arena_bytes} B" in header and "a debug build" in header


@pytest.mark.needs_cross
@pytest.mark.needs_qemu
@pytest.mark.parametrize("name", SMALL)
def test_small_models_keep_their_bits(name: str, tmp_path: Path) -> None:
    proven(SMALL[name](), tmp_path)


@pytest.mark.needs_models
@pytest.mark.needs_cross
@pytest.mark.needs_qemu
@pytest.mark.parametrize("name", ["hello_world_int8", "kws_ref_int8"])
def test_real_models_keep_their_bits(name: str, model_path: Callable[[str], Path], tmp_path: Path) -> None:
    proven(open_model(model_path(name)), tmp_path)


ONE_MORE = ("        x += depth;\n    }\n}", "        x += depth;\n    }\n    *y = 1;\n}")


@pytest.mark.parametrize(
    "on", ["native", pytest.param("qemu", marks=[pytest.mark.needs_cross, pytest.mark.needs_qemu])]
)
@pytest.mark.parametrize(("model", "layer"), [(dense, r"y \(FULLY_CONNECTED\)"), (conv, r"net_3 \(CONV_2D\)")])
def test_a_kernel_that_writes_one_value_too_many(
    model: Callable[[], Model], layer: str, on: str, tmp_path: Path
) -> None:
    made = project(model(), tmp_path)
    edit(source(made, "matmul.h"), *ONE_MORE)
    with pytest.raises(OutputsDiffer, match="sample 0: " + FOUND.format(layer)):
        simulate_project(made, on=on, sanitize=on == "native")


def test_an_ordinary_build_says_nothing_of_it(tmp_path: Path) -> None:
    """The same fault, in bytes that nobody needs any more: only a checked build sees it."""
    made = project(conv(), tmp_path, checked=False)
    edit(source(made, "matmul.h"), *ONE_MORE)
    assert simulate_project(made, on="native").mismatched_samples == 0


def test_an_ordinary_build_has_nothing_of_it() -> None:
    files, manifest = render_project(ring(), QEMU)
    assert not manifest.checked
    library = {path: data for path, data in files.items() if path.startswith("lib/")}
    assert len(library) > 5
    assert not [path for path, data in library.items() if b"guard" in data or b"canary" in data]


@pytest.mark.parametrize(
    ("place", "layer"),
    [
        ("before input 0", "net"),
        ("after input 0", "net"),
        ("before the output of net_2", "net_2"),
        ("after the output of net_2", "net_2"),
        ("at the arena's end", "net_4"),
    ],
)
@pytest.mark.parametrize("byte", [0, 15])
def test_any_byte_of_any_zone(place: str, layer: str, byte: int, tmp_path: Path) -> None:
    written(conv(), place, layer, byte, tmp_path)


def with_scratch(graph: Graph, features: frozenset[str], *more: Any) -> tuple[Layer, ...]:
    return tuple(replace(layer, scratch_bytes=10 * (layer.index == 1)) for layer in lower(graph, features, *more))


@pytest.mark.parametrize("place", ["before the scratch of net_2", "after the scratch of net_2"])
def test_scratch(place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled, "lower", with_scratch)
    written(conv(), place, "net_2", 0, tmp_path)


def written(model: Model, place: str, layer: str, byte: int, folder: Path) -> None:
    """One byte of the zone at `place` changes while `layer` runs."""
    made = project(model, folder)
    code = source(made, f"{model.name}.c")
    text = code.read_text()
    zone = re.search(rf"{{(AT\(uint8_t, \d+\)), \d+, \d+}}, /\* {place} \*/", text)
    hook = re.search(rf"    TG_ON_LAYER\([^;]*;\n    if \(tg_guards_verify\(&checked, \d+, \"{layer}\"\)", text)
    assert zone and hook
    code.write_text(text.replace(hook[0], f"    {zone[1]}[{byte}] ^= 1u;\n{hook[0]}"))
    with pytest.raises(OutputsDiffer, match=FOUND.format(rf"{layer} \(\w+\)")):
        simulate_project(made, on="native", sanitize=True)


def test_a_variable_written_beyond_its_end(tmp_path: Path) -> None:
    made = project(ring(), tmp_path)
    call = "tg_move_all(p, (const uint8_t *)x, (uint8_t *)y);"
    edit(source(made, "move.h"), call, f"{call}\n    ((uint8_t *)y)[p->y_start + p->chunk] = 1;")
    with pytest.raises(OutputsDiffer, match=FOUND.format(r"rest \(STRIDED_SLICE\)")):
        simulate_project(made, on="native", sanitize=True)


def test_the_sample_is_the_one_that_overran(tmp_path: Path) -> None:
    made = project(conv(), tmp_path)
    edit(
        source(made, "matmul.h"),
        ONE_MORE[0],
        ONE_MORE[1].replace("*y = 1", "static int n;\n    *y = ++n == 3 ? 1 : *y"),
    )
    with pytest.raises(OutputsDiffer, match="sample 2: " + FOUND.format(r"net_3 \(CONV_2D\)")):
        simulate_project(made, on="native")


CALLER = r"""
#include <stdio.h>
#include "dense.h"
static void told(tg_status status) {
    const tg_overrun overrun = dense_overrun();
    const long at = overrun.at != NULL ? (long)((const uint8_t *)overrun.at - (const uint8_t *)dense_output()) : -99;
    printf("%d %d %s %ld\n", (int)status, (int)overrun.layer, overrun.name != NULL ? overrun.name : "none", at);
}
int main(void) {
    told(TG_OK);
    told(dense_invoke());
    told(dense_invoke());
    return 0;
}
"""


@pytest.mark.parametrize("faulty", [True, False])
def test_what_the_caller_is_told(faulty: bool, tmp_path: Path) -> None:
    """The first byte behind the output, and what was broken is whole again for the next inference."""
    made = project(dense(), tmp_path)
    if faulty:
        edit(
            source(made, "matmul.h"), ONE_MORE[0], ONE_MORE[1].replace("*y = 1", "static int n;\n    *y = n++ ? *y : 1")
        )
    (tmp_path / "main.c").write_text(CALLER)
    lines = ran(made, tmp_path / "main.c", tmp_path)
    assert lines == ["0 -1 none -99", "2 0 y 4" if faulty else "0 -1 none -99", "0 -1 none -99"]


def ran(made: Path, main: Path, folder: Path, *flags: str) -> list[str]:
    library = next((made / "lib").iterdir()) / "src"
    sources = [str(path) for path in (main, *sorted(library.glob("*.c")))]
    command = ["cc", "-std=c99", "-O2", *STRICT, *flags, "-I", str(library), *sources, "-o", str(folder / "program")]
    subprocess.run(command, env=environment(), check=True, timeout=120)
    done = subprocess.run([str(folder / "program")], capture_output=True, text=True, timeout=60, check=True)
    return done.stdout.splitlines()


@pytest.mark.parametrize("name", MODELS)
def test_inputs_that_are_to_be_kept_are_kept(name: str, tmp_path: Path) -> None:
    """Zones of other buffers never lie on them either."""
    generate(MODELS[name](), "pico", tmp_path / "p", checked=True, keep_input=True)
    assert "leaves every input as it was" in source(tmp_path / "p", f"{name}.h").read_text()
    defines = [f"-DMODEL={name}", f'-DMODEL_H="{name}.h"']
    assert ran(tmp_path / "p", TWO / "keep.c", tmp_path, *defines) == ["inputs kept, outputs repeat"]


@pytest.mark.parametrize("name", SMALL)
@pytest.mark.parametrize(("cc", "cxx"), [("gcc", "g++"), ("clang", "clang++")])
def test_generated_c_is_clean(name: str, cc: str, cxx: str, tmp_path: Path) -> None:
    if not shutil.which(cc) or not shutil.which(cxx):
        pytest.skip(f"{cc} and {cxx} not found")
    library = project(SMALL[name](), tmp_path) / "lib" / name / "src"
    for flags in (["-O2"], ["-O2", "-ffreestanding"], ["-O0", "-DTG_TRACE"], [f"-D{name.upper()}_ARENA=mine"]):
        for path in library.glob("*.c"):
            compiles([cc, "-std=c99", *flags, str(path)], library)
    checks = ("tg_checked.h", *(("tg_crc32.h",) if name != "hostile" else ()))  # it has no constants to check
    for header in (f"{name}.h", *checks):
        (tmp_path / "user.cpp").write_text(f'#include "{header}"\n' * 2)
        compiles([cxx, "-std=c++17", str(tmp_path / "user.cpp")], library)


def compiles(command: list[str], library: Path) -> None:
    done = subprocess.run(
        [*command, *STRICT, "-I", str(library), "-c", "-o", "/dev/null"],
        env=environment(),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[:2000]


def test_two_models_in_one_arena(tmp_path: Path) -> None:
    """Both verify; their bits are those that each has in an arena of its own."""
    pair = [conv(), MODELS["hostile"]()]
    plans = [generate(model, QEMU, tmp_path / model.name, checked=True).manifest.plan for model in pair]
    libraries = [tmp_path / model.name / "lib" / model.name / "src" for model in pair]
    sources = [str(path) for library in libraries for path in library.glob("*.c")]
    flags = ["-DFIRST=conv", '-DFIRST_H="conv.h"', "-DSECOND=hostile", '-DSECOND_H="hostile.h"']
    shared = [f"-DSHARED_BYTES={max(plan.arena_bytes for plan in plans)}"]
    shared += [f"-D{model.name.upper()}_ARENA=shared_arena" for model in pair]
    said = []
    for more in ([], shared):
        command = ["cc", "-std=c99", "-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all", *flags, *more]
        command += [part for library in libraries for part in ("-I", str(library))]
        command += [str(TWO / "main.c"), *sources, "-o", str(tmp_path / "two")]
        subprocess.run(command, env=environment(), check=True, timeout=120)
        said.append(subprocess.run([str(tmp_path / "two")], capture_output=True, timeout=60, check=True).stdout)
    assert said[0] == said[1] and len(said[0]) == 2 * sum(t.bytes for model in pair for t in outputs(tmp_path, model))


def outputs(folder: Path, model: Model) -> tuple[TensorRecord, ...]:
    return read_manifest(folder / model.name).model.outputs


def test_a_model_without_layers(tmp_path: Path) -> None:
    """Its input is its output: nothing to verify, nothing unused."""
    made = project(replace(dense(), tflite=identity()), tmp_path)
    assert simulate(made, on="native", sanitize=True).mismatched_samples == 0


def identity() -> bytes:
    from build_tflite import T, build

    return build([T((1, 8), "int8", (0.5,), (0,))], [], [0], [0])


@pytest.mark.needs_cross
@pytest.mark.parametrize("board", ["pico", "esp32dev"])
def test_a_budget_says_that_it_is_of_a_checked_build(board: str, tmp_path: Path) -> None:
    """Linked where the core has a simulator, planned where not."""
    ordinary = generate(dense(), board, tmp_path / "ordinary").budget
    planned = generate(dense(), board, tmp_path / "p", checked=True).budget
    checked = check(tmp_path / "p")
    assert checked.source == ("planned" if board == "esp32dev" else "linked")
    for budget in (planned, checked):
        assert "checked build" in " ".join(budget.notes)
        assert budget.ram.parts["arena"] > ordinary.ram.parts["arena"]
    assert "checked build" not in " ".join(check(tmp_path / "ordinary").notes)


def test_tflm_has_none(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="--checked"):
        render_project(dense(), "nano33ble", runtime="tflm", checked=True)
    (tmp_path / "m.tflite").write_bytes(dense().tflite)
    options = ("--board", "nano33ble", "--checked", "--runtime", "tflm", "-o", tmp_path / "p")
    tinygen("generate", tmp_path / "m.tflite", *options).refused(2, "--checked", "tflm")
    assert not (tmp_path / "p").exists()


def test_the_command_line(tmp_path: Path) -> None:
    (tmp_path / "dense.tflite").write_bytes(dense().tflite)
    said = tinygen("generate", tmp_path / "dense.tflite", "--board", "pico", "--checked", "-o", tmp_path / "p")
    assert said.code == 0 and read_manifest(tmp_path / "p").checked
    assert "dense_overrun()` tells" in (tmp_path / "p" / "README.md").read_text()
    assert "dense_overrun," in (tmp_path / "p" / "src" / "main.cpp").read_text()
    said = tinygen("simulate", tmp_path / "p", "--on", "native")
    assert said.code == 0 and "checked" in said.out
    edit(source(tmp_path / "p", "matmul.h"), *ONE_MORE)
    tinygen("simulate", tmp_path / "p", "--on", "native").refused(4, "in layer y (FULLY_CONNECTED)")
