"""The streaming wake-word models of voice satellites: 100 frames of features in a row, state kept, frame by frame."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import numpy as np
import pytest
from pymicro_features import MicroFrontend

from tinygen.compiled import open_model
from tinygen.pipeline import generate
from tinygen.simulation import simulate

pytestmark = [pytest.mark.needs_cc, pytest.mark.needs_tflm]

FRAMES, STRIDE = 100, 3
RATE, STEP = 16000, 160  # samples a second, and of one feature


def models() -> list[Path]:
    """The package's models, found without its code, which loads a library of its own."""
    package = importlib.util.find_spec("pymicro_wakeword")
    assert package is not None and package.origin is not None
    return sorted((Path(package.origin).parent / "models").glob("*.tflite"))


def voice(seconds: float) -> bytes:
    """A voice of sorts: pulses of a gliding pitch through three moving resonances, with pauses and breath."""
    generator = np.random.default_rng(7)
    time = np.arange(int(seconds * RATE)) / RATE
    pitch = 130 + 40 * np.sin(2 * np.pi * 0.9 * time)
    pulses = np.diff(np.floor(np.cumsum(pitch) / RATE), prepend=0.0) + 0.02 * generator.standard_normal(time.size)
    sound = np.zeros_like(time)
    for middle, swing, rate, width in ((550, 250, 1.7, 90), (1500, 600, 1.1, 130), (2600, 300, 2.3, 200)):
        radius = np.exp(-np.pi * width / RATE)
        angle = 2 * np.pi * (middle + swing * np.sin(2 * np.pi * rate * time)) / RATE
        a = b = 0.0
        for i, (pulse, turn) in enumerate(zip(pulses, angle)):
            a, b = pulse + 2 * radius * np.cos(turn) * a - radius * radius * b, a
            sound[i] += a
    sound *= np.clip(4 * np.sin(2 * np.pi * 1.3 * time), 0, 1)
    return (sound / np.abs(sound).max() * 20000).astype("<i2").tobytes()


@pytest.fixture(scope="module")
def features(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """x [frames, 3, 40] as the audio front end of TensorFlow Lite Micro makes it of 10 ms steps."""
    audio = voice((FRAMES * STRIDE + 10) * STEP / RATE)
    front, rows = MicroFrontend(), []
    for at in range(0, len(audio), 2 * STEP):
        found = front.process_samples(audio[at : at + 2 * STEP]).features
        rows += [found] if found else []
    x = np.array(rows[: FRAMES * STRIDE], np.float32).reshape(FRAMES, STRIDE, -1)
    assert x.shape == (FRAMES, STRIDE, 40) and x.std() > 1
    path = tmp_path_factory.mktemp("features") / "features.npz"
    np.savez(path, x_test=x, y_test=np.zeros(FRAMES, np.int64))
    return path


def test_there_are_four() -> None:
    assert len(models()) == 4


@pytest.mark.parametrize("model", models(), ids=lambda path: path.stem)
def test_every_frame_equals_the_reference(model: Path, features: Path, tmp_path: Path) -> None:
    made = generate(open_model(model), "qemu_mps2_an386", tmp_path / "p")
    assert made.manifest.plan.state_bytes > 2000
    report = simulate(tmp_path / "p", data=features, on="native", sanitize=True)
    assert (report.samples, report.mismatched_samples) == (FRAMES, 0)


@pytest.mark.parametrize("model", models(), ids=lambda path: path.stem)
def test_the_interpreter_keeps_the_same_state(model: Path, features: Path, tmp_path: Path) -> None:
    """The bytes that a TensorFlow Lite Micro project flashes, our memory plan in them, give the same frames."""
    generate(open_model(model), "esp32-s3-devkitc-1", tmp_path / "t", runtime="tflm")
    generate(open_model(model), "esp32dev", tmp_path / "a")
    report = simulate(tmp_path / "t", data=features)
    assert (report.samples, report.mismatched_samples) == (FRAMES, 0)
    assert report.outputs == simulate(tmp_path / "a", data=features, on="native", compare=False).outputs
    again = simulate(tmp_path / "t", data=features, samples=FRAMES // 2)
    assert again.outputs == report.outputs[: FRAMES // 2]


@pytest.mark.slow
@pytest.mark.needs_cross
@pytest.mark.needs_qemu
@pytest.mark.parametrize("board", ["qemu_m0plus", "qemu_mps2_an386", "qemu_mps3_an547", "qemu_riscv32"])
def test_on_the_cores(board: str, features: Path, tmp_path: Path) -> None:
    made = generate(open_model(models()[-1]), board, tmp_path / "p")
    report = simulate(tmp_path / "p", data=features)
    assert (report.samples, report.mismatched_samples) == (FRAMES, 0)
    plan = made.manifest.plan
    assert (report.arena_bytes, report.state_bytes) == (plan.arena_bytes, plan.state_bytes)
    assert report.code_bytes and report.ram_bytes and report.stack_bytes
    assert report.code_bytes <= made.budget.flash.parts["code"] < report.code_bytes + 1024
    assert report.ram_bytes <= made.budget.ram.used_bytes < report.ram_bytes + 128


def test_a_wrong_state_is_seen(features: Path, tmp_path: Path) -> None:
    """These models say 0 of nearly everything: it is the layers of the last frame that tell a wrong state."""
    generate(open_model(models()[0]), "qemu_mps2_an386", tmp_path / "p")
    source = next((tmp_path / "p" / "lib").rglob("alexa.c"))
    whole = source.read_text()
    copied = re.search(r"    tg_move\w*\(&stream_10_\w+,\n?.*?;\n", whole, re.S)
    assert copied is not None
    source.write_text(whole.replace(copied[0], f"    if (alexa_state.ready > 1u) {{\n{copied[0]}    }}\n", 1))
    report = simulate(tmp_path / "p", data=features, samples=12, on="native")
    assert report.mismatched_samples and report.first_mismatch is not None
    assert report.first_mismatch.sample == 11 and report.first_mismatch.layer is not None
