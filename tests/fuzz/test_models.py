"""Damaged and hostile model files: a graph or one clear line, never anything else, and soon."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hostile_models import CORPUS, HOSTILE, TAKEN, bytes_of, made, model_of, path_of
from small_models import MODELS

from tinygen.backends.aot import ModelInfo, render_aot
from tinygen.errors import BadInput
from tinygen.frontend.importer import import_tflite
from tinygen.memory.lifetimes import buffers_of
from tinygen.memory.planner import plan_memory
from tinygen.ops.lowering import lower
from tinygen.passes import optimize

MUTATIONS, SECONDS, MOST_BYTES = 20_000, 10.0, 1 << 31
EXTENTS = (0, -1, 1, 2, 3, 64, 1 << 20, 2**31 - 1)
VALUES = (0x00, 0x01, 0x7F, 0x80, 0xFF)


def taken(data: bytes) -> bool:
    """Whether a file is taken as far as kernels are chosen; anything but BadInput comes through, and so does time."""
    begun = time.process_time()
    try:
        lower(optimize(import_tflite(data, "hostile")), frozenset())
        result = True
    except BadInput as refusal:
        assert "\n" not in refusal.line and len(refusal.line) < 600 and refusal.line.isprintable(), refusal.line
        result = False
    assert time.process_time() - begun < SECONDS
    return result


@pytest.mark.needs_models
def test_every_byte_of_hello_world_flipped(model_path: Callable[[str], Path]) -> None:
    data = model_path("hello_world_int8").read_bytes()
    outcomes = [taken(data[:i] + bytes([data[i] ^ 0xFF]) + data[i + 1 :]) for i in range(len(data))]
    outcomes += [taken(data[:i] + bytes([data[i] ^ 1 << i % 8]) + data[i + 1 :]) for i in range(len(data))]
    assert any(outcomes) and not all(outcomes)


@pytest.mark.slow
@pytest.mark.needs_models
def test_random_mutations_of_kws(model_path: Callable[[str], Path]) -> None:
    """Of its tables rather than of its weights, where every value is as good as another."""
    data = model_path("kws_ref_int8").read_bytes()
    generator = random.Random(20)
    weights = [bytes(b.data) for b in model_of(data).buffers if b.data is not None and len(b.data) > 64]
    spans = [(data.index(w), data.index(w) + len(w)) for w in weights]
    places = [i for i in range(len(data)) if not any(low <= i < high for low, high in spans)]
    outcomes = []
    for _ in range(MUTATIONS):
        damaged = bytearray(data)
        for _ in range(generator.choice((1, 1, 1, 2, 3, 8))):
            damaged[generator.choice(places)] = generator.choice((*VALUES, generator.randrange(256)))
        outcomes.append(taken(bytes(damaged)))
    assert sum(outcomes) > 1000 and outcomes.count(False) > 1000


@pytest.mark.needs_models
def test_truncations_of_kws(model_path: Callable[[str], Path]) -> None:
    data = model_path("kws_ref_int8").read_bytes()
    assert not any(taken(data[:n]) for n in range(0, len(data) - 16, 97)), "the last bytes may be padding"


def test_the_corpus_is_whole() -> None:
    base = MODELS["dense"]().tflite
    assert {p.name for p in CORPUS.glob("*.tflite")} == {path_of(what).name for what in HOSTILE}
    assert all(path_of(what).read_bytes() == made(what, base) for what in HOSTILE), "python hostile_models.py renews it"


@pytest.mark.parametrize("what", HOSTILE)
def test_corpus(what: str) -> None:
    assert taken(path_of(what).read_bytes()) == (what in TAKEN)


@pytest.mark.parametrize("what", HOSTILE)
def test_corpus_for_tflite_micro(what: str) -> None:
    """The other back end reads the file too, without kernels of ours."""
    try:
        import_tflite(path_of(what).read_bytes(), "hostile", supported_only=False)
    except BadInput as refusal:
        assert "\n" not in refusal.line


def _structured(base: bytes, generator: random.Random) -> bytes:
    """A file that is whole, and whose numbers are not: shapes, scales, zero points, indices, options."""
    model = model_of(base)
    graph = model.subgraphs[0]
    for _ in range(generator.randrange(1, 4)):
        tensor, op = generator.choice(graph.tensors), generator.choice(graph.operators)
        what = generator.randrange(6)
        quant = tensor.quantization
        if what == 0 and len(tensor.shape):
            tensor.shape = np.array(tensor.shape)
            tensor.shape[generator.randrange(len(tensor.shape))] = generator.choice(EXTENTS)
        elif what == 1 and quant is not None and quant.scale is not None:
            with np.errstate(over="ignore"):
                quant.scale = np.float32(quant.scale * np.float32(generator.choice((1e-30, 1e-4, 2.0, 1e6, 1e30))))
        elif what == 2 and quant is not None and quant.zeroPoint is not None:
            quant.zeroPoint = quant.zeroPoint + generator.choice((-(1 << 40), -129, -1, 1, 127, 256))
        elif what == 3 and len(op.inputs):
            op.inputs = np.array(op.inputs)
            op.inputs[generator.randrange(len(op.inputs))] = generator.randrange(-2, len(graph.tensors) + 1)
        elif what == 4:
            tensor.type = generator.randrange(18)
        elif op.builtinOptions is not None:
            name = generator.choice(sorted(vars(op.builtinOptions)))
            if type(getattr(op.builtinOptions, name)) is int:
                setattr(op.builtinOptions, name, generator.choice((0, 1, 2, 5, 100, 127)))
    return bytes_of(model)


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(MODELS))
def test_structured_mutations(name: str) -> None:
    generator = random.Random(7)
    base = MODELS[name]().tflite
    outcomes = [taken(_structured(base, generator)) for _ in range(1500)]
    assert any(outcomes) and not all(outcomes)


def test_names_do_not_become_c(tmp_path: Path) -> None:
    """The model with names of all kinds renders the same calls and numbers as the one with plain names."""
    texts = []
    for data in (MODELS["dense"]().tflite, path_of("names of all kinds").read_bytes()):
        graph = optimize(import_tflite(data, "m"))
        layers = lower(graph, frozenset())
        plan = plan_memory(buffers_of(graph, layers), len(layers))
        files = render_aot(graph, layers, plan, "host", ModelInfo("m"))
        assert all(text.isascii() for path, text in files.items() if path.startswith("m"))
        texts.append([n for n in files["m_weights.c"].split() if n.strip("-,").isdigit()])
    assert texts[0] == texts[1]


@pytest.mark.slow
def test_the_worst_take_no_memory_and_no_time() -> None:
    """Each in a child that may have 2 GiB of memory and ten seconds."""
    code = (
        "import resource, sys, time; from pathlib import Path; from tinygen.errors import BadInput; "
        "from tinygen.frontend.importer import import_tflite; from tinygen.ops.lowering import lower; "
        f"resource.setrlimit(resource.RLIMIT_AS, ({MOST_BYTES}, {MOST_BYTES})); "
        "paths = sorted(Path(sys.argv[1]).glob('*.tflite'))\n"
        "for path in paths:\n"
        "    try:\n"
        "        lower(import_tflite(path.read_bytes()), frozenset())\n"
        "    except BadInput:\n"
        "        pass\n"
        "print(len(paths))"
    )
    done = subprocess.run([sys.executable, "-c", code, str(CORPUS)], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout.strip()) == (0, str(len(HOSTILE))), done.stderr[-2000:]
