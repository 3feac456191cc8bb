"""tinygen simulate: runs the firmware and compares it with TensorFlow Lite Micro, bit for bit."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..errors import OutputsDiffer
from .options import DebugOption, JsonOption, Output, QuietOption


def command(
    project: Annotated[Path, typer.Argument(metavar="DIR", help="A rendered project.")],
    data: Annotated[
        Path | None, typer.Option("--data", metavar="D.npz", help="Real samples: x_test and y_test.")
    ] = None,
    samples: Annotated[
        int | None,
        typer.Option("--samples", metavar="N", min=1, max=100_000, help="How many; 5 without data, all with."),
    ] = None,
    on: Annotated[str, typer.Option("--on", metavar="S", help="native, unicorn, qemu, labwired or micropython.")] = "",
    sanitize: Annotated[bool, typer.Option("--sanitize", help="With --on native: ASan and UBSan.")] = False,
    firmware: Annotated[
        Path | None,
        typer.Option(
            "--micropython-firmware", metavar="F", help="A MicroPython for QEMU or this machine to run the module in."
        ),
    ] = None,
    json_target: JsonOption = "",
    quiet: QuietOption = False,
    debug: DebugOption = False,
) -> None:
    """Runs the firmware and compares bit for bit: exit 4 where they differ.

    Example: tinygen simulate kws --samples 20
    """
    from ..report.text import layer_table, simulation_table
    from ..simulation import simulate

    out = Output(json_target, quiet)
    with out.working("Building and simulating"):
        report = simulate(project, data=data, samples=samples, on=on or None, sanitize=sanitize, firmware=firmware)
    result = report.json()
    if any(layer["instructions"] for layer in result["layers"]):
        columns = [("layer", "name"), ("op", "op"), ("MACs", "macs"), ("instructions", "instructions")]
        out.show(layer_table(result["layers"], columns))
    out.show(simulation_table(result))
    out.finish(result)
    if result["mismatched_samples"]:
        raise OutputsDiffer(*difference(result))


def difference(result: dict[str, object]) -> tuple[str, str]:
    """What differs and what to do, for the error line."""
    first = result.get("first_mismatch")
    where = ""
    if isinstance(first, dict):
        where = (
            f" First: sample {first.get('sample')}, layer {first.get('layer')} ({first.get('op')}), "
            f"index {first.get('index')}: expected {first.get('expected')}, got {first.get('got')}."
        )
    what = f"{result['mismatched_samples']} of {result['samples']} samples differ from {_reference(result)}.{where}"
    return what, "`tinygen generate` renders the project anew; `tinygen check` names edited files."


def _reference(result: dict[str, object]) -> str:
    reference = result.get("reference")
    return str(reference.get("name")) if isinstance(reference, dict) else "the reference"
