"""Proof of a rendered project: built for its board, run in a simulator, every output held to the reference's bits."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from .boards import BoardProfile, load_board
from .errors import BadInput, OutputsDiffer
from .image import Image
from .project import Manifest, read_manifest
from .proof_micropython import simulate_micropython
from .proof_tflm import simulate_tflm
from .simulate import compare as diff
from .simulate.compare import LayerCost, Mismatch, SimulationReport
from .simulate.inputs import check_samples, generated
from .simulate.reference import Reference, reference
from .simulate.result import Fault, LayerEvent, RunResult
from .simulate.run import NO_INSTRUCTIONS, choose, run_image
from .toolchain.build import build_host, build_image
from .toolchain.elf import LinkedSizes, linked_sizes

_TRACE_TIMEOUT_S = 60.0  # for a program that has hung once already
_TIMEOUT_S, _TIMEOUT_PER_SAMPLE_S = 120.0, 5.0
NO_SIZES = "a program of the host has not the board's sizes"
STAND_IN = "another core's compiler stands in for the board's"
NO_STACK = "only a simulator of the board measures the stack"


@dataclass(frozen=True)
class _Bench:
    """A project on its simulator; programs are built in `folder`."""

    project: Path
    manifest: Manifest
    board: BoardProfile
    simulator: str
    toolchain: str | None
    sanitize: bool
    folder: Path
    timeout_s: float

    def build(self, trace: bool = False) -> Image:
        """The project's program, as it ships or with a hook after every layer."""
        folder = self.folder / ("trace" if trace else "plain")
        if self.simulator == "native":
            return build_host(self.project, folder, self.sanitize, trace)
        mailbox = self.simulator == "labwired"
        return build_image(self.project, self.board, folder, self.toolchain, trace, mailbox)

    def run(self, image: Image, samples: Sequence[bytes], keep_data: bool = False, count_sample: int = 0) -> RunResult:
        """One run: plain programs are counted in `count_sample`, traced ones traced in the last sample."""
        return run_image(
            image, self.board, samples, simulator=self.simulator, trace=image.trace, keep_data=keep_data,
            count_sample=count_sample, timeout_s=self.timeout_s,
        )  # fmt: skip


def simulate_project(
    project: Path,
    *,
    samples: int | None = None,
    data: Sequence[bytes] | None = None,
    on: str | None = None,
    toolchain: str | None = None,
    sanitize: bool = False,
    compare: bool = True,
    timeout_s: float | None = None,
    firmware: Path | None = None,
) -> SimulationReport:
    """Builds a rendered project, runs it on `on` (its board's first simulator by default), compares every output.

    `data` are the inputs' bytes, a sample each; without it the ramp and seeded random inputs, `samples` of them (5).
    Instructions are counted for the ramp in any case: with `data` it runs once more after them.
    `firmware` is a MicroPython that a MicroPython project's module is run in, too.
    `timeout_s` is for each run of all samples; two minutes and five seconds a sample where it is None.
    Differences are in the report, not raised: of every sample's outputs, and of every layer's output in the first
    sample, which counts as mismatched where only a layer differs. Raises OutputsDiffer where the firmware faults or
    does not end, OverBudget where it does not fit, BadInput for samples or a simulator that do not suit, MissingTool.
    """
    manifest = read_manifest(project)
    board = load_board(project / "board.toml")
    inputs = manifest.model.inputs
    if not inputs or not manifest.model.outputs:
        raise BadInput(f"{project}: its manifest names no input or no output.", "`tinygen generate` renders it anew.")
    runs = list(data) if data is not None else [generated(inputs, i) for i in range(5 if samples is None else samples)]
    check_samples(inputs, runs)
    limit_s = _TIMEOUT_S + _TIMEOUT_PER_SAMPLE_S * len(runs) if timeout_s is None else timeout_s
    names = [f"data {i}" if data is not None else f"random {i}" if i else "ramp" for i in range(len(runs))]
    if manifest.runtime == "micropython":
        return simulate_micropython(
            project, manifest, board, runs, names, on=on, compare=compare, timeout_s=limit_s, firmware=firmware
        )
    if firmware is not None:
        raise BadInput(f"{project}: --micropython-firmware is of MicroPython projects.", "Leave it out.")
    if manifest.runtime == "tflm":
        return simulate_tflm(project, manifest, runs, names, on=on, compare=compare, timeout_s=limit_s)
    simulator = choose(board, on)
    if sanitize and simulator != "native":
        raise BadInput(f"The sanitizers need a run on the host, not on {simulator}.", "--on native --sanitize")
    oracle = reference(project / manifest.model.file, runs, timeout_s=limit_s) if compare else None
    with tempfile.TemporaryDirectory(prefix="tinygen-") as folder:
        bench = _Bench(project, manifest, board, simulator, toolchain, sanitize, Path(folder), limit_s)
        image = bench.build()
        ramp = generated(inputs, 0)
        timed = runs if data is None else [*runs, ramp]
        run = bench.run(image, timed, count_sample=0 if data is None else len(runs))
        if run.fault is not None:
            raise _broken(bench, timed, run)
        run = replace(run, outputs=run.outputs[: len(runs)])
        traced = bench.build(trace=True)
        events = bench.run(traced, runs[:1], keep_data=True).layers
        costs = events if data is None else bench.run(traced, [ramp]).layers
        mismatch = _first_mismatch(bench, traced, runs, run, oracle, events)
        sizes = None if image.host or image.stand_in else linked_sizes(image, run.stack_bytes)
    return _report(bench, image, run, oracle, mismatch, _costs(bench, costs), sizes, names)


def _first_mismatch(
    bench: _Bench, traced: Image, runs: Sequence[bytes], run: RunResult, oracle: Reference | None,
    events: tuple[LayerEvent, ...],
) -> Mismatch | None:  # fmt: skip
    """The first layer that differs in the first sample whose output does.

    Where all outputs agree, the layers of one sample are still compared: what comes after can hide a difference. It is
    the first sample, and the last one where a state was carried on to it.
    """
    if oracle is None:
        return None
    wrong = diff.mismatches(run.outputs, oracle.outputs)
    sample = wrong[0] if wrong else len(runs) - 1 if bench.manifest.plan.state_bytes else 0
    layers, outputs = bench.manifest.plan.layers, bench.manifest.model.outputs
    before = runs[: sample + 1]
    if sample:
        events = bench.run(traced, before, keep_data=True).layers
    tensors = sorted({tensor for layer in layers for tensor in layer.tensors if tensor >= 0})
    model = bench.project / bench.manifest.model.file
    kept = reference(model, before, tensors=tensors, timeout_s=bench.timeout_s).layers
    found = diff.first_difference(sample, layers, events, kept)
    if found is not None or not wrong:
        return found
    return diff.output_difference(sample, run.outputs[sample], oracle.outputs[sample], outputs)


def _costs(bench: _Bench, events: tuple[LayerEvent, ...]) -> tuple[LayerCost, ...]:
    counts = {event.index: event.instructions for event in events}
    return tuple(LayerCost(r.name, r.op, r.macs, counts.get(r.index)) for r in bench.manifest.plan.layers)


def _broken(bench: _Bench, runs: Sequence[bytes], run: RunResult) -> OutputsDiffer:
    """The error of a program that faulted, failed or hung, with the layer: it was told, or a traced run was in it."""
    sample = min(len(run.outputs), len(runs) - 1)
    fault: Fault | None = run.fault
    if fault is not None and fault.layer is not None:
        layer, hint = _layer_of(bench, fault.layer), "The layer's kernel is in the project's lib/."
    else:
        layer, hint = _traced_layer(bench, runs[: sample + 1]), "`--on native --sanitize` runs it under the sanitizers."
    return OutputsDiffer(
        f"{bench.manifest.model.name} on {bench.simulator}, {bench.board.name}, sample {sample}: {fault}{layer}.", hint
    )


def _traced_layer(bench: _Bench, runs: Sequence[bytes]) -> str:
    again = replace(bench, timeout_s=min(bench.timeout_s, _TRACE_TIMEOUT_S))
    traced = again.run(bench.build(trace=True), runs)
    if traced.fault is None or traced.fault.layers_done is None:
        return ""
    ran = {event.index for event in traced.layers}
    running = (r.index for r in bench.manifest.plan.layers if r.index not in ran and r.kernel != "view")
    return _layer_of(bench, next(running, -1))


def _layer_of(bench: _Bench, index: int) -> str:
    record = next((r for r in bench.manifest.plan.layers if r.index == index), None)
    return f" in layer {record.name} ({record.op})" if record else " after the last layer"


def _report(
    bench: _Bench, image: Image, run: RunResult, oracle: Reference | None, mismatch: Mismatch | None,
    costs: tuple[LayerCost, ...], sizes: LinkedSizes | None, names: Sequence[str],
) -> SimulationReport:  # fmt: skip
    plan = bench.manifest.plan

    def size(name: str) -> int | None:
        return None if sizes is None else int(getattr(sizes, name))

    reasons: dict[str, str] = {}
    if run.instructions is None:
        reasons["instructions_per_inference"] = run.instructions_reason or NO_INSTRUCTIONS
    stack = None if image.stand_in else run.stack_bytes
    if stack is None:
        reasons["stack_bytes"] = STAND_IN if image.stand_in else NO_STACK
    if sizes is None:
        reasons["flash_bytes"] = reasons["ram_bytes"] = STAND_IN if image.stand_in else NO_SIZES
    if oracle is not None and not oracle.exact:
        reasons["reference"] = "not TensorFlow Lite Micro's kernels: equal outputs are no proof of its bits"
    expected = oracle.outputs if oracle else ()
    return SimulationReport(
        board=bench.board.name,
        simulator=run.simulator,
        reference=None if oracle is None else {"name": oracle.name, "version": oracle.version, "exact": oracle.exact},
        samples=len(run.outputs),
        mismatched_samples=max(len(diff.mismatches(run.outputs, expected)), int(mismatch is not None))
        if oracle
        else None,
        max_abs_difference=diff.max_abs_difference(run.outputs, expected, bench.manifest.model.outputs)
        if oracle
        else None,
        first_mismatch=mismatch,
        instructions_per_inference=run.instructions,
        layers=costs,
        flash_bytes=size("flash_bytes"),
        weights_bytes=plan.weights_bytes if sizes is None else sizes.weights_bytes,
        code_bytes=size("code_bytes"),
        harness_bytes=size("harness_bytes"),
        ram_bytes=size("ram_bytes"),
        arena_bytes=plan.arena_bytes if sizes is None else sizes.arena_bytes,
        state_bytes=plan.state_bytes if sizes is None else sizes.state_bytes,
        static_bytes=size("static_bytes"),
        stack_bytes=stack,
        compiler=image.compiler,
        compiler_version=image.compiler_version,
        flags=image.flags,
        optimize=bench.manifest.optimize,
        checked=bench.manifest.checked,
        runs=tuple(
            {"input": name, "output_crc32": diff.crc32(out)} for name, out in zip(names, run.outputs, strict=True)
        ),
        reasons=reasons,
        outputs=run.outputs,
    )
