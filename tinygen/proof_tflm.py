"""Proof of a TensorFlow Lite Micro project: the bytes of its rendered array, run by TFLM's own kernels on the host."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from .backends.tflm_array import model_bytes_of
from .errors import BadInput
from .project import Manifest
from .simulate import compare as diff
from .simulate.compare import LayerCost, SimulationReport
from .simulate.reference import Reference, reference

SIMULATOR = "native"
_REASON = "the interpreter runs on the host: only a board has these figures"
_UNKNOWN = (
    "instructions_per_inference flash_bytes weights_bytes code_bytes harness_bytes ram_bytes arena_bytes state_bytes "
    "static_bytes stack_bytes"
).split()


def simulate_tflm(
    project: Path,
    manifest: Manifest,
    samples: Sequence[bytes],
    names: Sequence[str],
    *,
    on: str | None,
    compare: bool,
    timeout_s: float,
) -> SimulationReport:
    """Compares what the rendered array computes with what the model's file computes; figures of the board are None."""
    if on not in (None, SIMULATOR):
        raise BadInput(f"{manifest.model.name}: a TFLite Micro project runs on the host, not on {on!r}.", "--on native")
    oracle = reference(project / manifest.model.file, samples, timeout_s=timeout_s) if compare else None
    with tempfile.TemporaryDirectory(prefix="tinygen-") as folder:
        array = Path(folder) / f"{manifest.model.name}_model.tflite"
        array.write_bytes(model_bytes_of(project))
        ran = reference(array, samples, timeout_s=timeout_s)
    return _report(manifest, ran, oracle, names)


def _report(manifest: Manifest, ran: Reference, oracle: Reference | None, names: Sequence[str]) -> SimulationReport:
    expected = oracle.outputs if oracle else ()
    outputs = manifest.model.outputs
    wrong = diff.mismatches(ran.outputs, expected) if oracle else []
    first = diff.output_difference(wrong[0], ran.outputs[wrong[0]], expected[wrong[0]], outputs) if wrong else None
    return SimulationReport(
        board=manifest.board,
        simulator=SIMULATOR,
        reference=None if oracle is None else {"name": oracle.name, "version": oracle.version, "exact": oracle.exact},
        samples=len(ran.outputs),
        mismatched_samples=len(wrong) if oracle else None,
        max_abs_difference=diff.max_abs_difference(ran.outputs, expected, outputs) if oracle else None,
        first_mismatch=first,
        instructions_per_inference=None,
        layers=tuple(LayerCost(r.name, r.op, r.macs, None) for r in manifest.plan.layers),
        flash_bytes=None,
        weights_bytes=None,
        code_bytes=None,
        harness_bytes=None,
        ram_bytes=None,
        arena_bytes=None,
        state_bytes=None,
        static_bytes=None,
        stack_bytes=None,
        compiler=ran.name,
        compiler_version=ran.version,
        flags=(),
        optimize=manifest.optimize,
        runs=tuple(
            {"input": name, "output_crc32": diff.crc32(out)} for name, out in zip(names, ran.outputs, strict=True)
        ),
        reasons=dict.fromkeys(_UNKNOWN, _REASON),
        outputs=ran.outputs,
    )
