"""Test vectors of a model: inputs, and what TensorFlow Lite Micro's reference, if installed, makes of them."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from .backends.sim_env import Vector, Vectors
from .errors import BadInput, MissingTool
from .project import TensorRecord
from .simulate.inputs import generated
from .simulate.reference import Reference, reference

#: The random inputs are stored with their bytes: as many as leave the file small.
_MOST_BYTES = 64 * 1024
_RANDOM = 2
_TIMEOUT_S = 120.0


def golden_vectors(tflite: bytes, inputs: Sequence[TensorRecord]) -> Vectors:
    """The ramp and up to two random inputs with the reference's outputs; without outputs, and a reason, where none did.

    Only TensorFlow Lite Micro's own kernels are asked: what may differ by one is nothing to fail a test by. The same
    inputs run under the same names in `tinygen simulate`.
    """
    try:
        ramp = generated(inputs, 0)
        extra = min(_RANDOM, _MOST_BYTES // max(1, len(ramp)))
        samples = [ramp, *(generated(inputs, run) for run in range(1, 1 + extra))]
        names = ["ramp", *(f"random {run}" for run in range(1, 1 + extra))]
        found = _reference(tflite, hashlib.sha256(tflite).hexdigest(), tuple(samples))
    except MissingTool:
        return Vectors(reason="no reference was installed; `pip install 'tinygen[sim]'`, then `tinygen generate` again")
    except BadInput as error:
        return Vectors(reason=f"the reference does not run the model: {error.what}")
    if not found.exact:
        return Vectors(reason=f"{found.name} is not exact; tflite-micro has the reference's kernels")
    rows = zip(names, samples, found.outputs)
    vectors = tuple(Vector(name, None if name == "ramp" else sample, output) for name, sample, output in rows)
    return Vectors(vectors, f"{found.name} {found.version}")


@lru_cache(maxsize=8)
def _reference(tflite: bytes, sha256: str, samples: tuple[bytes, ...]) -> Reference:
    with tempfile.TemporaryDirectory(prefix="tinygen-") as folder:
        model = Path(folder) / f"{sha256[:8]}.tflite"
        model.write_bytes(tflite)
        return reference(model, samples, timeout_s=_TIMEOUT_S)
