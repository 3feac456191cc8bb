"""Proof of a MicroPython project: the module that is copied to the board in unicorn, its other forms in MicroPython."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .boards import BoardProfile
from .compiled import Model, compile_model
from .errors import BadInput, MissingTool
from .frontend.importer import read_model_file
from .micropython.bundle import source_of
from .micropython.host import run_on_host
from .micropython.mpy_file import MpyFile, read_mpy
from .micropython.native import CORES, build_native
from .micropython.on_unicorn import run_on_core
from .micropython.project import read_module
from .project import Manifest
from .simulate import compare as diff
from .simulate.compare import LayerCost, SimulationReport
from .simulate.inputs import generated
from .simulate.reference import Reference, reference

SIMULATORS = ("unicorn", "micropython")
_NO_LAYERS = "a module is run as a whole"
_ON_BOARD = "MicroPython's own share is the firmware's"


@dataclass(frozen=True)
class _Form:
    """The module in one form, run somewhere: its outputs, or why it was not run."""

    form: str
    on: str
    outputs: tuple[bytes, ...] = ()
    instructions: int | None = None
    reason: str = ""


def simulate_micropython(
    project: Path,
    manifest: Manifest,
    board: BoardProfile,
    samples: Sequence[bytes],
    names: Sequence[str],
    *,
    on: str | None,
    compare: bool,
    timeout_s: float,
) -> SimulationReport:
    """Runs every form of the module that can be run here: `device/`'s in unicorn, and the same C as native code of this
    machine in MicroPython; each output is held to the reference's.

    The report's own figures are those of the board's module where it ran. `on` names one of them.
    """
    if on is not None and on not in SIMULATORS:
        raise BadInput(f"{manifest.model.name}: a MicroPython project has no simulator {on!r}.", "unicorn, micropython")
    oracle = reference(project / manifest.model.file, samples, timeout_s=timeout_s) if compare else None
    data = read_module(project, manifest)
    mpy = read_mpy(data)
    out_bytes = sum(record.bytes for record in manifest.model.outputs)
    forms: list[_Form] = []
    if on != "micropython" and mpy.architecture in CORES:
        ramp = generated(manifest.model.inputs, 0)
        ran = run_on_core(data, samples, ramp, out_bytes, timeout_s=timeout_s)
        forms.append(_Form(f"native {mpy.architecture}", "unicorn", ran.outputs, ran.instructions))
    if on != "unicorn":
        forms.append(_host_form(project, manifest, board, samples, out_bytes, timeout_s, needed=on is not None))
    done = [form for form in forms if not form.reason]
    if not done:
        raise MissingTool(f"{manifest.model.name}: {forms[-1].reason if forms else 'nothing runs it here'}.")
    return _report(manifest, mpy, done[0], forms, oracle, names)


def _host_form(
    project: Path, manifest: Manifest, board: BoardProfile, samples: Sequence[bytes], out_bytes: int, timeout_s: float,
    *, needed: bool,
) -> _Form:  # fmt: skip
    record = manifest.model
    model = Model(record.name, read_model_file(project / record.file), record.version, record.labels)
    compiled = compile_model(model, board, optimize=manifest.optimize)
    try:
        made = build_native(source_of(compiled), "x64")
        ran = run_on_host({f"_{record.name}.mpy": made.data}, record.name, samples, out_bytes, timeout_s=timeout_s)
    except MissingTool as error:
        if needed:
            raise
        return _Form("native x64", "micropython", reason=error.what.rstrip("."))
    return _Form("native x64", ran.interpreter, ran.outputs)


def _wrong(form: _Form, oracle: Reference | None) -> list[int]:
    return diff.mismatches(form.outputs, oracle.outputs) if oracle else []


def _told(form: _Form, oracle: Reference | None) -> dict[str, Any]:
    return {
        "form": form.form,
        "on": form.on,
        "mismatched_samples": None if form.reason or oracle is None else len(_wrong(form, oracle)),
        "instructions_per_inference": form.instructions,
        "reason": form.reason or None,
    }


def _report(
    manifest: Manifest, mpy: MpyFile, shown: _Form, forms: Sequence[_Form], oracle: Reference | None,
    names: Sequence[str],
) -> SimulationReport:  # fmt: skip
    outputs, expected = manifest.model.outputs, oracle.outputs if oracle else ()
    # The form that differs, where one does, is the one to show.
    shown = next((form for form in forms if not form.reason and _wrong(form, oracle)), shown)
    wrong = _wrong(shown, oracle)
    first = diff.output_difference(wrong[0], shown.outputs[wrong[0]], expected[wrong[0]], outputs) if wrong else None
    reasons = dict.fromkeys(("harness_bytes", "ram_bytes", "static_bytes", "stack_bytes"), _ON_BOARD)
    reasons |= {"layers": _NO_LAYERS}
    if shown.instructions is None:
        reasons["instructions_per_inference"] = "MicroPython on this machine counts none"
    flash, plan = len(mpy.blob) + len(mpy.text), manifest.plan
    return SimulationReport(
        board=manifest.board,
        simulator=shown.on if shown.on == "unicorn" else "micropython",
        reference=None if oracle is None else {"name": oracle.name, "version": oracle.version, "exact": oracle.exact},
        samples=len(shown.outputs),
        mismatched_samples=max(len(_wrong(form, oracle)) for form in forms if not form.reason) if oracle else None,
        max_abs_difference=diff.max_abs_difference(shown.outputs, expected, outputs) if oracle else None,
        first_mismatch=first,
        instructions_per_inference=shown.instructions,
        layers=tuple(LayerCost(r.name, r.op, r.macs, None) for r in plan.layers),
        flash_bytes=flash,
        weights_bytes=plan.weights_bytes,
        code_bytes=flash - plan.weights_bytes,
        harness_bytes=None,
        ram_bytes=None,
        arena_bytes=plan.arena_bytes,
        state_bytes=plan.state_bytes,
        static_bytes=None,
        stack_bytes=None,
        compiler=shown.form,
        compiler_version=shown.on,
        flags=(),
        optimize=manifest.optimize,
        runs=tuple(
            {"input": name, "output_crc32": diff.crc32(out)} for name, out in zip(names, shown.outputs, strict=True)
        ),
        reasons=reasons,
        outputs=shown.outputs,
        forms=tuple(_told(form, oracle) for form in forms),
    )
