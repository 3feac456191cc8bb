"""The reference: whole outputs and layers of a real model, and what a model that it refuses gives."""

from __future__ import annotations

import zlib
from pathlib import Path

import pytest

from tinygen.errors import BadInput, MissingTool
from tinygen.project import TensorRecord
from tinygen.simulate import reference as room
from tinygen.simulate.inputs import generated
from tinygen.simulate.reference import reference

X = TensorRecord(name="x", dtype="int8", shape=(1, 1), bytes=1, scale=None, zero_point=None)


@pytest.fixture
def hello(models_dir: Path) -> Path:
    return models_dir / "hello_world_int8.tflite"


@pytest.mark.needs_tflm
@pytest.mark.needs_models
def test_outputs_of_every_sample_and_the_layers_of_the_last(hello: Path) -> None:
    samples = [generated([X], i) for i in range(4)]
    whole = reference(hello, samples)
    assert whole.exact and whole.name == "tflite-micro" and whole.version != "unknown"
    assert f"{zlib.crc32(whole.outputs[0]):08x}" == "0762ae69"
    assert whole.layers == {}
    kept = reference(hello, samples[:3], tensors=range(10))
    assert kept.outputs == whole.outputs[:3]
    assert whole.outputs[2] in [layer.tobytes() for layer in kept.layers.values()]
    assert any(layer.tobytes() == samples[2] for layer in kept.layers.values())


@pytest.mark.needs_tflm
@pytest.mark.parametrize("size", [0, 100, 1500])
@pytest.mark.needs_models
def test_a_damaged_model_is_an_error_here_and_no_crash(size: int, hello: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.tflite"
    broken.write_bytes(hello.read_bytes()[:size])
    with pytest.raises(BadInput, match=r"broken\.tflite: the reference kernels do not run it"):
        reference(broken, [b"x"])


@pytest.mark.needs_tflm
@pytest.mark.needs_models
def test_samples_of_the_wrong_size(hello: Path) -> None:
    with pytest.raises(BadInput, match="take 1 bytes, the sample has 2"):
        reference(hello, [b"xy"])


def test_without_any_reference_nothing_is_claimed(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(*_: object) -> None:
        raise ModuleNotFoundError("no such package")

    monkeypatch.setattr(room, "_Tflm", absent)
    monkeypatch.setattr(room, "_LiteRt", absent)
    with pytest.raises(MissingTool, match=r"neither tflite-micro nor ai-edge-litert .*tinygen\[sim\]"):
        room._open(b"", False)


@pytest.mark.needs_tensorflow
@pytest.mark.needs_models
def test_litert_is_never_called_exact(hello: Path) -> None:
    pytest.importorskip("ai_edge_litert")
    oracle = room._LiteRt(hello.read_bytes(), True)
    assert not oracle.exact
    assert zlib.crc32(oracle.run(generated([X], 0))) == 0x0762AE69
