"""Proof of a MicroPython project: the module that is copied to the board in unicorn, its other forms in MicroPython."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from .boards import BoardProfile
from .compiled import Model, compile_model
from .errors import BadInput, MissingTool, OutputsDiffer
from .frontend.importer import read_model_file
from .micropython.bundle import source_of
from .micropython.firmware_machine import machine_command
from .micropython.firmware_run import run_in_firmware
from .micropython.host import run_on_host
from .micropython.native import CORES, build_native
from .micropython.on_unicorn import run_on_core
from .micropython.project import read_module, viper_path
from .project import Manifest
from .simulate import compare as diff
from .simulate.compare import LayerCost, SimulationReport
from .simulate.inputs import generated
from .simulate.reference import Reference, reference

SIMULATORS = ("unicorn", "micropython")
#: The machine that MicroPython's package is for.
_HERE = "x64"
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
    heap_bytes: Mapping[str, int] | None = None


@dataclass(frozen=True)
class _Bench:
    """A project, and what goes through its module."""

    project: Path
    manifest: Manifest
    board: BoardProfile
    samples: Sequence[bytes]
    timeout_s: float

    @property
    def name(self) -> str:
        return self.manifest.model.name

    @property
    def out_bytes(self) -> int:
        return sum(record.bytes for record in self.manifest.model.outputs)

    @cached_property
    def mpy(self) -> bytes:
        """What is copied to the board."""
        return read_module(self.project, self.manifest)

    @cached_property
    def for_this_machine(self) -> bytes:
        """The same C as native code of this machine."""
        record = self.manifest.model
        model = Model(record.name, read_model_file(self.project / record.file), record.version, record.labels)
        compiled = compile_model(model, self.board, optimize=self.manifest.optimize)
        return build_native(source_of(compiled), "x64", optimize=self.manifest.optimize).data


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
    firmware: Path | None = None,
) -> SimulationReport:
    """Runs every form of the module that can be run here, and holds each output to the reference's: `device/`'s native
    code in unicorn, the same C as code of this machine and the viper source in MicroPython, `device/`'s in `firmware`.

    The report's own figures are those of the board's module where it ran. `on` names one of the simulators.
    """
    if on is not None and on not in SIMULATORS:
        raise BadInput(f"{manifest.model.name}: a MicroPython project has no simulator {on!r}.", "unicorn, micropython")
    oracle = reference(project / manifest.model.file, samples, timeout_s=timeout_s) if compare else None
    bench = _Bench(project, manifest, board, samples, timeout_s)
    native = board.micropython_arch in CORES
    forms = [_on_core(bench)] if native and on != "micropython" else []
    if on != "unicorn":
        here = [_here(bench, f"native {_HERE}", lambda: {f"_{bench.name}.mpy": bench.for_this_machine})]
        viper = project / viper_path(bench.name)
        if viper.is_file():
            here += [_here(bench, f"viper {_HERE}", lambda: {f"_{bench.name}.py": viper.read_bytes()})]
        forms += here if native else here[::-1]
    if firmware is not None:
        forms += [_in_firmware(bench, firmware)]
    done = [form for form in forms if not form.reason]
    if not done:
        raise MissingTool(f"{bench.name}: {forms[0].reason if forms else 'nothing runs it here'}.")
    return _report(bench, done, forms, oracle, names)


def _on_core(bench: _Bench) -> _Form:
    ramp = generated(bench.manifest.model.inputs, 0)
    ran = run_on_core(bench.mpy, bench.samples, ramp, bench.out_bytes, timeout_s=bench.timeout_s)
    form = f"native {bench.board.micropython_arch}"
    return _Form(form, "unicorn", ran.outputs, ran.instructions)


def _here(bench: _Bench, form: str, files: Callable[[], dict[str, bytes]]) -> _Form:
    try:
        ran = run_on_host(files(), bench.name, bench.samples, bench.out_bytes, timeout_s=bench.timeout_s)
    except MissingTool as error:
        return _Form(form, "micropython", reason=error.what.rstrip("."))
    return _Form(form, ran.interpreter, ran.outputs)


def _in_firmware(bench: _Bench, firmware: Path) -> _Form:
    mpy = bench.mpy if machine_command(firmware) else bench.for_this_machine
    name = f"_{bench.name}"
    ran = run_in_firmware(firmware, {f"{name}.mpy": mpy}, name, bench.samples, timeout_s=bench.timeout_s)
    if ran.error and not ran.version:
        raise BadInput(f"{firmware}: does not answer as MicroPython does: {ran.error}.")
    if ran.error:
        raise OutputsDiffer(f"{firmware.name}, MicroPython {ran.version}: {ran.error}.")
    return _Form(f"native {ran.arch}", f"micropython {ran.version} in {firmware.name}", ran.outputs,
                 heap_bytes=ran.heap_bytes)  # fmt: skip


def _wrong(form: _Form, oracle: Reference | None) -> list[int]:
    return diff.mismatches(form.outputs, oracle.outputs) if oracle else []


def _told(form: _Form, oracle: Reference | None) -> dict[str, Any]:
    return {
        "form": form.form,
        "on": form.on,
        "mismatched_samples": None if form.reason or oracle is None else len(_wrong(form, oracle)),
        "instructions_per_inference": form.instructions,
        "heap_bytes": None if form.heap_bytes is None else dict(form.heap_bytes),
        "reason": form.reason or None,
    }


def _report(
    bench: _Bench, done: Sequence[_Form], forms: Sequence[_Form], oracle: Reference | None, names: Sequence[str]
) -> SimulationReport:
    manifest = bench.manifest
    outputs, expected = manifest.model.outputs, oracle.outputs if oracle else ()
    # The form that differs, where one does, is the one to show.
    shown = next((form for form in done if _wrong(form, oracle)), done[0])
    wrong = _wrong(shown, oracle)
    first = diff.output_difference(wrong[0], shown.outputs[wrong[0]], expected[wrong[0]], outputs) if wrong else None
    reasons = dict.fromkeys(("harness_bytes", "ram_bytes", "static_bytes", "stack_bytes"), _ON_BOARD)
    reasons |= {"layers": _NO_LAYERS}
    if shown.instructions is None:
        reasons["instructions_per_inference"] = "MicroPython on this machine counts none"
    flash, plan = len(bench.mpy), manifest.plan
    return SimulationReport(
        board=manifest.board,
        simulator=shown.on if shown.on == "unicorn" else "micropython",
        reference=None if oracle is None else {"name": oracle.name, "version": oracle.version, "exact": oracle.exact},
        samples=len(shown.outputs),
        mismatched_samples=max(len(_wrong(form, oracle)) for form in done) if oracle else None,
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
