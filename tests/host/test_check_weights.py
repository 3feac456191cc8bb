"""The constants' CRC-32: whole as rendered on the host and on cores, another after one bit, and free unless called."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from ring_model import ring
from small_models import MODELS, conv, dense

from tinygen.backends.constants import Field, Pool
from tinygen.backends.templating import render
from tinygen.backends.weights_check import render_weights_check, weights_image
from tinygen.boards import load_board
from tinygen.compiled import Model, open_model
from tinygen.errors import OutputsDiffer
from tinygen.pipeline import generate
from tinygen.proof import simulate_project
from tinygen.resources import data_dir
from tinygen.toolchain.build import build_image
from tinygen.toolchain.compilers import environment
from tinygen.toolchain.elf import functions, linked_sizes

pytestmark = pytest.mark.needs_cc

STRICT = ["-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Werror"]
SANITIZE = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
SMALL = {**MODELS, "ring": ring}


def rendered(model: Model, folder: Path, board: str = "qemu_mps2_an386") -> Path:
    generate(model, board, folder / "p")
    return folder / "p" / "lib" / model.name / "src"


def status(name: str, library: Path, folder: Path) -> int:
    """What the check returns on this machine."""
    (folder / "main.c").write_text(f'#include "{name}.h"\nint main(void) {{ return (int){name}_check_weights(); }}\n')
    sources = [str(path) for path in (folder / "main.c", *sorted(library.glob("*.c")))]
    command = ["cc", "-std=c99", "-O1", *STRICT, *SANITIZE, "-I", str(library), *sources, "-o", str(folder / "main")]
    subprocess.run(command, env=environment(), check=True, timeout=120)
    done = subprocess.run([str(folder / "main")], capture_output=True, timeout=60)
    assert not done.stderr, done.stderr.decode()
    return done.returncode


def flip(path: Path, field: int) -> None:
    """One bit of the last number of a field in the rendered constants."""
    text = path.read_text()
    last = list(re.finditer(r"(-?\d+)(?=,?\n    },)", text))[field]
    path.write_text(f"{text[: last.start()]}{int(last[0]) ^ 1}{text[last.end() :]}")


@pytest.mark.parametrize("name", SMALL)
def test_whole_as_rendered(name: str, tmp_path: Path) -> None:
    assert status(name, rendered(SMALL[name](), tmp_path), tmp_path) == 0


@pytest.mark.parametrize("model", [dense, ring])
def test_one_bit_of_any_field(model: Callable[[], Model], tmp_path: Path) -> None:
    name = model().name
    library = rendered(model(), tmp_path)
    weights = library / f"{name}_weights.c"
    text = weights.read_text()
    fields = len(re.findall(r"^    \.\w+ = {", text, re.M))
    assert fields >= 1
    for field in range(fields):
        flip(weights, field)
        assert weights.read_text() != text
        assert status(name, library, tmp_path) == 1
        weights.write_text(text)


def test_every_type_as_a_compiler_lays_it_out(tmp_path: Path) -> None:
    """Fields of all types and odd lengths, extremes among them, and padding at the end."""
    kinds = {"int64_t": "<i8", "float": "<f4", "int32_t": "<i4", "int16_t": "<i2", "int8_t": "i1", "uint8_t": "u1"}
    draw = np.random.default_rng(3)
    fields = []
    for i, (ctype, kind) in enumerate(kinds.items()):
        data = draw.integers(-100, 100, 3 + 2 * i).astype(kind)
        if data.dtype.kind in "iu":
            ends = np.iinfo(data.dtype)
            data[:2] = (ends.min, ends.max) if ctype != "int64_t" else (-(2**31), 2**31 - 1)
        else:
            data[:3] = (-0.0, np.pi, np.finfo(np.float32).tiny)
        fields.append(Field(f"f{i}", ctype, data))
    pool = Pool(tuple(fields), {}, {})
    context = {"model": "m", "MODEL": "M", "tinygen": "0", "weights": fields, "weights_bytes": pool.weights_bytes}
    library = tmp_path / "lib"
    library.mkdir()
    for suffix in ("h", "c"):
        (library / f"m_weights.{suffix}").write_text(render(f"aot/weights.{suffix}.j2", **context))
    (library / "m_check.c").write_text(render_weights_check(pool, "m", "0"))
    (library / "m.h").write_text('#include "tg.h"\ntg_status m_check_weights(void);\n')
    for name in ("tg.h", "tg_crc32.h"):
        (library / name).write_text((data_dir("firmware") / "runtime" / name).read_text())
    image = weights_image(pool)
    assert pool.weights_bytes - 8 < len(image) < pool.weights_bytes
    assert status("m", library, tmp_path) == 0


#: The harness checks before it runs: its status is the check's.
RESET = ("TG_MODEL(reset)();", "TG_MODEL(reset)();\n        status = TG_MODEL(check_weights)();")


@pytest.mark.needs_cross
@pytest.mark.needs_qemu
@pytest.mark.parametrize("board", ["qemu_mps2_an386", "qemu_riscv32"])
@pytest.mark.parametrize("model", [conv, ring])
def test_on_cores(board: str, model: Callable[[], Model], tmp_path: Path) -> None:
    on_core(model(), board, tmp_path)


@pytest.mark.needs_models
@pytest.mark.needs_cross
@pytest.mark.needs_qemu
@pytest.mark.parametrize("name", ["hello_world_int8", "kws_ref_int8"])
def test_real_models_on_a_core(name: str, model_path: Callable[[str], Path], tmp_path: Path) -> None:
    on_core(open_model(model_path(name)), "qemu_mps2_an386", tmp_path)


def on_core(model: Model, board: str, folder: Path) -> None:
    library = rendered(model, folder, board)
    harness = folder / "p" / "sim" / "harness.c"
    text = harness.read_text()
    assert text.count(RESET[0]) == 1
    harness.write_text(text.replace(*RESET))
    simulate_project(folder / "p", samples=1, compare=False)
    flip(library / f"{model.name}_weights.c", 0)
    with pytest.raises(OutputsDiffer, match=f"{model.name}_invoke returned 1"):
        simulate_project(folder / "p", samples=1, compare=False)


@pytest.mark.needs_cross
@pytest.mark.parametrize("model", [conv, dense])
@pytest.mark.parametrize("board", ["qemu_mps2_an386", "qemu_riscv32"])
def test_free_unless_called(board: str, model: Callable[[], Model], tmp_path: Path) -> None:
    """code_bytes and flash_bytes are those of a project without the file; with a call they are not."""
    name = model().name
    library = rendered(model(), tmp_path, board)
    sizes = []
    for call in ("", RESET[1]):
        harness = tmp_path / "p" / "sim" / "harness.c"
        harness.write_text(harness.read_text().replace(RESET[0], call or RESET[0]))
        image = build_image(tmp_path / "p", load_board(board), tmp_path / "with")
        assert (f"{name}_check_weights" in {f.name for f in functions(image.elf)}) is bool(call)
        sizes.append(linked_sizes(image))
    harness.write_text(harness.read_text().replace(RESET[1], RESET[0]))
    (library / f"{name}_check.c").unlink()
    without = linked_sizes(build_image(tmp_path / "p", load_board(board), tmp_path / "without"))
    assert sizes[0] == without
    assert sizes[1].code_bytes == without.code_bytes and sizes[1].flash_bytes > without.flash_bytes
