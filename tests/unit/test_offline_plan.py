"""Our memory plan in a model's metadata: what is written, that TFLM obeys it, and that nothing else changes."""

from __future__ import annotations

import re
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from small_models import MODELS

from tinygen.backends.tflm_metadata import with_metadata
from tinygen.boards import load_board
from tinygen.compiled import Model, open_model
from tinygen.errors import BadInput
from tinygen.frontend.importer import import_tflite
from tinygen.offline_plan import METADATA, with_offline_plan
from tinygen.pipeline import generate
from tinygen.simulate.reference import reference

NAMES = ("kws_ref_int8", "vww_96_int8", "ic_resnet8_int8", "ad01_int8", "micro_speech_int8", "hello_world_int8")
BOARDS = ("nucleo_f446re", "esp32-s3-devkitc-1", "qemu_riscv32")
#: Prints the interpreter's allocations as TFLM records them.
SAY = (
    "import sys; from tflite_micro.python.tflite_micro import runtime as r; "
    "it = r.Interpreter.from_file(sys.argv[1], arena_size=1 << 20, "
    "intrepreter_config=r.InterpreterConfig.kAllocationRecording); it.print_allocations()"
)


def head_bytes(model: bytes, folder: Path) -> int:
    """The non-persistent part of the arena that stock TFLM takes for a model."""
    path = folder / "model.tflite"
    path.write_bytes(model)
    done = subprocess.run(
        [sys.executable, "-c", SAY, str(path)], capture_output=True, text=True, timeout=120, check=True
    )
    found = re.search(r"head\D*?(\d+) bytes", done.stdout + done.stderr)
    assert found, done.stdout + done.stderr
    return int(found[1])


def test_an_entry_comes_and_is_replaced() -> None:
    model = MODELS["conv"]().tflite
    once = with_metadata(model, "a", b"first")
    twice = with_metadata(with_metadata(once, "b", b"x" * 33), "a", b"")
    for made, entries in ((once, {"a": b"first"}), (twice, {"a": b"", "b": b"x" * 33})):
        graph, before = import_tflite(made, "m"), import_tflite(model, "m")
        assert graph.metadata == entries | {k: v for k, v in before.metadata.items() if k not in entries}
        assert made[4:8] == b"TFL3" and len(made) % 4 == 0
        assert (graph.ops, graph.inputs, graph.outputs) == (before.ops, before.inputs, before.outputs)
        for a, b in zip(graph.tensors, before.tensors):
            assert (a.name, a.shape, a.quant) == (b.name, b.shape, b.quant)
            assert (a.data is None) == (b.data is None) and (a.data is None or np.array_equal(a.data, b.data))
    assert with_metadata(model, "a", b"first") == once


def test_a_second_reader_reads_it() -> None:
    from ai_edge_litert import schema_py_generated as schema

    made = with_metadata(MODELS["dense"]().tflite, "Plan", b"\1\2\3")
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(made, 0))
    entry = next(e for e in model.metadata if e.name == b"Plan")
    assert bytes(model.buffers[entry.buffer].data) == b"\1\2\3"


def test_damaged_files_are_refused() -> None:
    for data in (b"", b"\x08\0\0\0TFL3", b"x" * 100):
        with pytest.raises(BadInput):
            with_metadata(data, "a", b"")


@pytest.mark.needs_models
@pytest.mark.parametrize("board", BOARDS)
@pytest.mark.parametrize("name", NAMES)
def test_planned_only_where_it_is_smaller(model_path: Callable[[str], Path], name: str, board: str) -> None:
    data = model_path(name).read_bytes()
    graph = import_tflite(data, name, supported_only=False)
    planned = with_offline_plan(graph, data, load_board(board))
    assert (
        (planned.tflite != data) == bool(planned.offsets) == (METADATA in import_tflite(planned.tflite, name).metadata)
    )
    assert bool(planned.offsets) == (name == "vww_96_int8")
    again = import_tflite(planned.tflite, name, supported_only=False)
    assert with_offline_plan(again, planned.tflite, load_board(board)) == planned


@pytest.mark.parametrize(
    "content", [b"", b"\1\0\0", struct.pack("<3i", 1, 0, 2), struct.pack("<4i", 1, 0, 1, 0)], ids=repr
)
def test_plans_that_tflm_could_not_follow_are_refused(content: bytes) -> None:
    data = with_metadata(MODELS["dense"]().tflite, METADATA, content)
    with pytest.raises(BadInput, match=METADATA):
        with_offline_plan(import_tflite(data, "m", supported_only=False), data, load_board(BOARDS[0]))


def test_an_offset_that_no_arena_has_is_refused() -> None:
    data = MODELS["dense"]().tflite
    count = len(import_tflite(data, "m").tensors)
    for offset in (8, 1 << 30):
        bad = with_metadata(data, METADATA, struct.pack(f"<{3 + count}i", 1, 0, count, *[offset] * count))
        with pytest.raises(BadInput, match="no arena has"):
            with_offline_plan(import_tflite(bad, "m", supported_only=False), bad, load_board(BOARDS[0]))


@pytest.mark.needs_models
@pytest.mark.needs_tflm
def test_stock_tflm_obeys_it(model_path: Callable[[str], Path], tmp_path: Path) -> None:
    """vww: 55,296 bytes instead of 73,728, as planned, and the same outputs."""
    data = model_path("vww_96_int8").read_bytes()
    graph = import_tflite(data, "vww", supported_only=False)
    planned = with_offline_plan(graph, data, load_board("qemu_riscv32"))
    assert (head_bytes(data, tmp_path), head_bytes(planned.tflite, tmp_path)) == (73728, 55296)
    assert planned.arena.planned_bytes == 55296
    paths = [tmp_path / "old.tflite", tmp_path / "new.tflite"]
    for path, content in zip(paths, (data, planned.tflite)):
        path.write_bytes(content)
    samples = [np.random.default_rng(i).integers(-128, 128, 96 * 96 * 3, dtype="int8").tobytes() for i in range(3)]
    old, new = (reference(path, samples).outputs for path in paths)
    assert old == new


@pytest.mark.needs_models
@pytest.mark.needs_tflm
@pytest.mark.parametrize("name", NAMES)
def test_the_heads_are_as_computed(model_path: Callable[[str], Path], tmp_path: Path, name: str) -> None:
    """Where TFLM plans itself too: the host's reference kernels ask for no scratch in these models."""
    data = model_path(name).read_bytes()
    graph = import_tflite(data, name, supported_only=False)
    planned = with_offline_plan(graph, data, load_board("qemu_riscv32"))
    head = head_bytes(planned.tflite, tmp_path)
    assert planned.arena.planned_bytes - planned.arena.scratch_bytes <= head <= planned.arena.planned_bytes + 64


@pytest.mark.needs_models
def test_a_project_holds_the_bytes_that_are_flashed(model_path: Callable[[str], Path], tmp_path: Path) -> None:
    model = open_model(model_path("vww_96_int8"))
    made = generate(model, "nucleo_f446re", tmp_path / "p", runtime="tflm")
    stored = (tmp_path / "p" / made.manifest.model.file).read_bytes()
    assert METADATA in import_tflite(stored, "m").metadata
    assert import_tflite(stored, "m").sha256 == made.manifest.model.sha256
    assert made.budget.flash.parts["weights"] == len(stored)
    assert isinstance(model, Model) and stored != model.tflite
