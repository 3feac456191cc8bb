"""tinygen validate: the same samples on the board itself, compared bit for bit with TensorFlow Lite Micro."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from ..errors import OutputsDiffer
from .options import DebugOption, JsonOption, Output, QuietOption


def command(
    project: Annotated[Path, typer.Argument(metavar="DIR", help="A rendered project.")],
    port: Annotated[
        str,
        typer.Option("--port", metavar="P", help="A serial port, socket://HOST:PORT, or qemu: a simulator's board."),
    ],
    data: Annotated[
        Path | None, typer.Option("--data", metavar="D.npz", help="Real samples: x_test and y_test.")
    ] = None,
    samples: Annotated[
        int | None,
        typer.Option("--samples", metavar="N", min=1, max=100_000, help="How many; 5 without data, all with."),
    ] = None,
    baud: Annotated[
        int, typer.Option("--baud", metavar="N", min=300, max=10_000_000, help="The line's speed.")
    ] = 115200,
    timeout: Annotated[
        float | None,
        typer.Option("--timeout", metavar="S", min=1, help="Seconds for all; else by the samples' number and size."),
    ] = None,
    json_target: JsonOption = "",
    quiet: QuietOption = False,
    debug: DebugOption = False,
) -> None:
    """Runs samples on the board and compares bit for bit: exit 4 where they differ.

    Example: tinygen validate kws --port /dev/ttyACM0 --data data.npz --samples 100
    """
    from ..report.text import layer_table
    from ..report.validation_text import first_difference, validation_table
    from ..validation import validate

    out = Output(json_target, quiet)
    with _progress(out) as on_sample:
        report = validate(
            project, port=port, data=data, samples=samples, baud=baud, timeout_s=timeout, on_sample=on_sample
        )
    result = report.json()
    if any(layer["latency"] is not None for layer in result["layers"]):
        columns = [("layer", "name"), ("op", "op"), ("MACs", "macs"), (result["latency"]["unit"], "latency")]
        out.show(layer_table(result["layers"], columns))
    out.show(validation_table(result))
    out.finish(result)
    if result["mismatched_samples"]:
        raise OutputsDiffer(
            f"{result['mismatched_samples']} of {result['samples']} samples differ from {result['reference']['name']}. "
            f"{first_difference(result)}",
            "`tinygen simulate` tells whether they do in a simulator of the board, too.",
        )


@contextmanager
def _progress(out: Output) -> Iterator[Callable[[int, int], None]]:
    """A bar of samples where a terminal looks on."""
    if out.silent or not sys.stderr.isatty():
        yield lambda _done, _all: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns: tuple[Any, ...] = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("samples on the device", total=None)
        yield lambda done, count: bar.update(task, completed=done, total=count)
