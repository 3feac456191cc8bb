"""The rendered <model>_quantize equals tinygen.preprocess on 1,000 samples: ties, NaN and infinities, mean and std."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from build_tflite import Node, T, build

from tinygen.compiled import Model
from tinygen.pipeline import generate
from tinygen.preprocess import quantize_input
from tinygen.project import Preprocess
from tinygen.toolchain.compilers import environment

pytestmark = pytest.mark.needs_cc

SOURCE = Path(__file__).resolve().parent / "two" / "quantize.c"
SHAPE = (1, 5, 3)
SAMPLES = 1000
PREPROCESS = {
    "plain": None,
    "mean": Preprocess(mean=(0.3,)),
    "std": Preprocess(std=(9.81,)),
    "per channel": Preprocess(mean=(0.1, -2.5, 1e6), std=(2.0, -0.125, 3e-7)),
    "one mean, std per channel": Preprocess(mean=(7.0,), std=(1.0, 1e-38, 1e38)),
}
QUANT = [("int8", 0.05, 0), ("int8", 1 / 256, -128), ("int8", 0.584702909, 127), ("int16", 2**-15, 0)]


def quantize(model: Model, x: npt.NDArray[np.float32], folder: Path, flags: tuple[str, ...]) -> bytes:
    """What the model's own C makes of the samples."""
    generate(model, "pico", folder / "p")
    source = folder / "p" / "lib" / "m" / "src"
    defines = ["-DMODEL=m", "-DPREFIX=M", '-DMODEL_H="m.h"']
    sources = [str(path) for path in (SOURCE, *sorted(source.glob("*.c")))]
    command = ["cc", "-std=c99", *flags, *defines, "-I", str(source), *sources, "-o", str(folder / "q")]
    built = subprocess.run(command, env=environment(), capture_output=True, timeout=120, check=False)
    assert built.returncode == 0, built.stderr.decode()
    done = subprocess.run([str(folder / "q")], input=x.tobytes(), capture_output=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr.decode()[-2000:]
    return done.stdout


def samples(scale: float, preprocess: Preprocess | None) -> npt.NDArray[np.float32]:
    """Random values around the range, exact ties after preprocessing, their neighbours, and what is no number."""
    rng = np.random.default_rng(7)
    x = rng.normal(0, 100 * scale, (SAMPLES, *SHAPE[1:])).astype(np.float32)
    ties = ((np.arange(-400, 400) + 0.5) * np.float32(scale)).astype(np.float32)
    edges = [ties, np.nextafter(ties, np.float32(0)), np.nextafter(ties, np.float32(np.inf))]
    flat = np.concatenate(edges).astype(np.float64)
    mean = np.asarray((preprocess and preprocess.mean) or (0.0,))
    std = np.asarray((preprocess and preprocess.std) or (1.0,))
    wanted = flat[: flat.size // SHAPE[2] * SHAPE[2]].reshape(-1, SHAPE[2]) * std + mean
    with np.errstate(over="ignore"):
        body = wanted.astype(np.float32).reshape(-1)
    x.reshape(-1)[: body.size] = body
    special = [np.nan, -np.nan, np.inf, -np.inf, 3.4e38, -3.4e38, 0.0, -0.0, 1e-45, -1e-45, 2**31, -(2.0**31), 1e10]
    x.reshape(-1)[-len(special) :] = special
    return x


@pytest.mark.parametrize("name", PREPROCESS)
@pytest.mark.parametrize(("dtype", "scale", "zero_point"), QUANT)
def test_c_equals_python(dtype: str, scale: float, zero_point: int, name: str, tmp_path: Path) -> None:
    kind = "RESHAPE" if dtype == "int16" else "TANH"
    x = T(SHAPE, dtype, (scale,), (zero_point,), name="x")
    y = T(SHAPE, "int8", (1 / 128,), (0,), name="y") if kind == "TANH" else T(SHAPE, dtype, (scale,), (zero_point,))
    model = Model("m", build([x, y], [Node(kind, (0,), (1,))], [0], [1]), preprocess=PREPROCESS[name])
    values = samples(float(np.float32(scale)), PREPROCESS[name])
    flags = ("-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")
    got = np.frombuffer(quantize(model, values, tmp_path, flags), np.dtype(dtype)).reshape(values.shape)
    want = quantize_input(values, PREPROCESS[name], float(np.float32(scale)), zero_point, dtype)
    assert len(values) == SAMPLES
    wrong = np.argwhere(got != want)
    assert not len(wrong), [(values[tuple(i)], got[tuple(i)], want[tuple(i)]) for i in wrong[:5]]
    assert len(np.unique(got)) > 3
