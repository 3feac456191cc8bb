"""Prints instructions an inference of every model on every simulated core, beside TensorFlow Lite Micro's.

Usage: python bench/instructions.py MODELS_DIR [CORE …]     (core: m0plus m3 m4 m7 m33 m55 rv32; all by default)

The baseline's figures (bench/baseline.json) were measured in the same simulator with gcc 12.2: TFLM's portable
reference kernels, and TFLM with CMSIS-NN where there is such a build. Both are for the same input, the ramp, and its
second call.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

from tinygen.compiled import open_model
from tinygen.pipeline import generate
from tinygen.proof import simulate_project

COLUMNS = (
    "model", "core", "TFLM reference", "TFLM CMSIS-NN", "tinygen", "share of reference",
    "arena, B", "code, B", "stack, B",
)  # fmt: skip
BOARDS = {
    "m0plus": "qemu_m0plus",
    "m3": "qemu_mps2_an385",
    "m4": "qemu_mps2_an386",
    "m7": "qemu_mps2_an500",
    "m33": "qemu_mps2_an505",
    "m55": "qemu_mps3_an547",
    "rv32": "qemu_riscv32",
}


def main() -> None:
    models = sorted(Path(sys.argv[1]).glob("*.tflite"))
    baseline = json.loads((Path(__file__).parent / "baseline.json").read_text())
    print("|", " | ".join(COLUMNS), "|")
    print("|", " | ".join(["---"] * len(COLUMNS)), "|")
    for core in sys.argv[2:] or BOARDS:
        for path in models:
            with tempfile.TemporaryDirectory(prefix="tinygen-") as work:
                generate(open_model(path), BOARDS[core], Path(work) / "p")
                run = simulate_project(Path(work) / "p", samples=1, compare=True)
            if run.mismatched_samples:
                sys.exit(f"{path.stem} on {core}: bits differ")
            known = baseline.get(path.stem, {})
            reference, tuned = known.get("reference", {}).get(core), known.get("cmsis_nn", {}).get(core)
            ours = run.instructions_per_inference
            share = f"{ours / reference:.2f}" if ours and reference else "-"
            sizes = [_n(size) for size in (run.arena_bytes, run.code_bytes, run.stack_bytes)]
            cells = [path.stem, core, _n(reference), _n(tuned), _n(ours), share, *sizes]
            print("|", " | ".join(cells), "|", flush=True)


def _n(value: int | None) -> str:
    return "-" if value is None else f"{value:,}"


if __name__ == "__main__":
    main()
