"""tinygen inspect: what a model is made of, layer by layer."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, cast

import typer

from ..units import format_size
from .generate import choice
from .options import OPTIMIZE_HELP, DebugOption, JsonOption, Output, QuietOption


def command(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="A .tflite, or a Keras model with --data.")],
    board: Annotated[
        str, typer.Option("--board", "-b", metavar="B", help="Whose kernels; any portable core if absent.")
    ] = "",
    data: Annotated[Path | None, typer.Option("--data", metavar="D.npz", help="Quantizes a Keras model.")] = None,
    optimize: Annotated[str, typer.Option("--optimize", metavar="O", help=OPTIMIZE_HELP)] = "balanced",
    json_target: JsonOption = "",
    quiet: QuietOption = False,
    debug: DebugOption = False,
) -> None:
    """Per layer: shape, MACs, weights, arena, kernel. Example: tinygen inspect kws.tflite --board pico

    What the quantization doctor sees in the file follows, also where the model is refused.
    """
    from ..boards import load_board
    from ..compiled import compile_model, open_model
    from ..diagnosis import diagnose_file
    from ..errors import BadInput
    from ..records import Optimize, inspection
    from ..report.text import layer_table

    choice(optimize, ("speed", "balanced", "size"), "--optimize")
    out = Output(json_target, quiet)
    with out.working("Reading the model"):
        profile = load_board(board or "qemu_mps2_an385")
        opened = open_model(model, data=data, say=out.say)
        findings = diagnose_file(opened.tflite, opened.name).findings
        try:
            compiled = compile_model(opened, profile, optimize=cast(Optimize, optimize))
        except BadInput as error:
            out.show(*(finding.line for finding in findings))
            if json_target != "-":  # a refusal leaves standard output empty
                refused = {"schema": "tinygen.inspect/1", "model": opened.name, "error": error.line}
                out.finish({**refused, "findings": [finding.json() for finding in findings]})
            raise
    result = {**inspection(compiled), "findings": [finding.json() for finding in findings]}
    if not board:
        result["board"] = None
    out.show(
        layer_table(
            result["layers"],
            [
                ("layer", "name"),
                ("op", "op"),
                ("output", "output_shape"),
                ("MACs", "macs"),
                ("weights", "weights_bytes"),
                ("kernel", "kernel"),
            ],
        ),
        f"{result['macs']:,} MACs; weights {format_size(result['weights_bytes'])}; "
        f"arena {result['arena_bytes']:,} B, lower bound {result['arena_lower_bound_bytes']:,} B "
        f"(scratch {result['arena_scratch_bytes']:,} B, alignment {result['arena_padding_bytes']:,} B)"
        + (f"; state {result['state_bytes']:,} B" if result["state_bytes"] else ""),
        *(finding.line for finding in findings),
        *_compressed(result["layers"]),
    )
    out.finish(result)


def _compressed(layers: list[dict[str, Any]]) -> list[str]:
    """A line on the layers whose weights are stored compressed, where there are some."""
    saved = [layer["dense_weights_bytes"] - layer["weights_bytes"] for layer in layers]
    if not any(saved):
        return []
    return [
        f"Weights stored compressed: {sum(map(bool, saved))} of {len(saved)} layers, {sum(saved):,} B less. They take "
        "other instructions: `tinygen simulate` counts them, --optimize speed keeps all dense."
    ]
