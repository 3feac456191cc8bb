"""tinygen inspect: what a model is made of, layer by layer."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..units import format_size
from .options import DebugOption, JsonOption, Output, QuietOption


def command(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="A .tflite, or a Keras model with --data.")],
    board: Annotated[
        str, typer.Option("--board", "-b", metavar="B", help="Whose kernels; any portable core if absent.")
    ] = "",
    data: Annotated[Path | None, typer.Option("--data", metavar="D.npz", help="Quantizes a Keras model.")] = None,
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
    from ..records import inspection
    from ..report.text import layer_table

    out = Output(json_target, quiet)
    with out.working("Reading the model"):
        profile = load_board(board or "qemu_mps2_an385")
        opened = open_model(model, data=data, say=out.say)
        findings = diagnose_file(opened.tflite, opened.name).findings
        try:
            compiled = compile_model(opened, profile)
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
    )
    out.finish(result)
