"""What a README says of the two runtimes: by the chip, by the model's own layers, and never more than is known."""

from __future__ import annotations

from typing import Any

import pytest
from small_models import MODELS
from test_tflm_streaming import stream

from tinygen.backends.runtime_notes import runtime_notes
from tinygen.backends.tflm_scratch_esp_nn import depthwise_s3_bytes
from tinygen.boards import load_board
from tinygen.compiled import Model
from tinygen.graph.ir import Graph, Op, Tensor
from tinygen.ops.depthwise_conv2d import DepthwiseWindow
from tinygen.pipeline import render_project
from tinygen.project import LayerRecord, Manifest

S3, ESP32, C3 = "esp32-s3-devkitc-1", "esp32dev", "esp32-c3-devkitm-1"


def manifest(model: Model, board: str, runtime: Any = "tflm") -> tuple[Manifest, str]:
    files, made = render_project(model, board, runtime=runtime)
    return made, files["README.md"].decode()


def layer(op: str, macs: int, outputs: int, item: int = 1, name: str = "layer") -> LayerRecord:
    return LayerRecord(index=0, name=name, op=op, kernel="", tensors=(), output_shape=(1, outputs),
                       output_bytes=outputs * item, arena_offset=None, macs=macs, weights_bytes=0)  # fmt: skip


def notes(board: str, *layers: LayerRecord, runtime: str = "tflm") -> tuple[str, ...]:
    made, _ = manifest(MODELS["dense"](), board)
    plan = made.plan.model_copy(update={"layers": layers})
    return runtime_notes(load_board(board), made.model_copy(update={"plan": plan, "runtime": runtime}))


@pytest.mark.parametrize("runtime", ["tflm", "aot"])
def test_every_esp32_says_which_is_faster_as_far_as_it_is_known(runtime: str) -> None:
    for board, words in ((S3, "vector code of the ESP32-S3 for 100 %"), (ESP32, "not known"), (C3, "not known")):
        made, readme = manifest(MODELS["conv"](), board, runtime)
        (first, *_) = runtime_notes(load_board(board), made)
        assert words in first and "Nothing was measured" in first
        assert f"- {first}" in readme
    for board in ("nucleo_f446re", "nano33ble"):
        assert "faster" not in manifest(MODELS["conv"](), board, runtime)[1]


def test_the_share_is_that_of_the_models_macs() -> None:
    conv, dense, other = layer("CONV_2D", 600, 8), layer("FULLY_CONNECTED", 200, 8), layer("BATCH_MATMUL", 201, 8)
    (said,) = notes(S3, conv, dense, other)
    assert "for 79 %" in said and "expected to be the faster" in said
    (said,) = notes(ESP32, conv, dense, other)
    assert "convolutions, 59 %" in said and "faster: not known" in said
    (said,) = notes(S3, layer("CONV_2D", 600, 8, item=2), dense)
    assert "for 25 %" in said and "too little to tell" in said and "expected" not in said
    assert notes(S3, layer("ADD", 0, 8)) == ()


def test_layers_that_are_known_to_break_are_named() -> None:
    layers = [layer("FULLY_CONNECTED", 9, n, name=f"dense_{n}") for n in (8, 12, 1, 64, 2, 10)]
    said = notes(S3, *layers)
    assert len(said) == 2 and "`dense_12`, `dense_1`, `dense_2` and 1 more" in said[1] and "issue 34" in said[1]
    assert len(notes(S3, *layers, runtime="aot")) == len(notes(ESP32, *layers)) == len(notes(S3, layers[0])) == 1
    assert "Known to break" in manifest(MODELS["conv"](), S3)[1]
    assert "Known to break" not in manifest(MODELS["conv"](), S3, "aot")[1]


@pytest.mark.parametrize(("runtime", "nbytes"), [("tflm", 16), ("aot", 16 + 4)])
def test_a_readme_says_that_the_model_remembers(runtime: str, nbytes: int) -> None:
    """The ahead-of-time runtime counts the word that says whether its state was filled."""
    made, readme = manifest(Model("ring", stream(3)), ESP32, runtime)
    assert made.plan.state_bytes == nbytes and f"{nbytes} bytes carry over" in readme and "ring_reset()" in readme
    assert "carry over" not in manifest(MODELS["dense"](), ESP32, runtime)[1]


def depthwise(height: int, width: int, out_h: int, out_w: int, stride: int) -> int:
    tensors = (
        Tensor("x", (1, height, width, 32), "int8"),
        Tensor("w", (1, 3, 3, 32), "int8"),
        Tensor("y", (1, out_h, out_w, 32), "int8"),
    )
    window = DepthwiseWindow(padding=0, stride_h=stride, stride_w=stride, fused=0)
    op = Op("DEPTHWISE_CONV_2D", "d", (0, 1), (2,), window)
    return depthwise_s3_bytes(Graph("g", tensors, (op,), (0,), (2,)), op)


def test_depthwise_scratch_covers_what_the_mended_kernel_asks_for() -> None:
    """49×20×32 at stride 2, padded by 1 above and by none at the left: 44,912 bytes written, 32,944 asked for."""
    assert depthwise(49, 20, 25, 10, 2) >= 44_912
    assert 32_944 <= depthwise(48, 20, 24, 10, 2) < 40_000, "padded alike in both directions"
    assert depthwise(50, 20, 48, 18, 1) < 40_000, "not padded at all"
