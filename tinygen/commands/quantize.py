"""tinygen quantize: a Keras model to a quantized .tflite."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, cast

import typer

from ..errors import BadInput
from .generate import choice
from .options import DebugOption, JsonOption, Output, QuietOption


def command(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="A .keras, .h5 or SavedModel.")],
    data: Annotated[Path, typer.Option("--data", metavar="D.npz", help="Real samples: x_train; or module:function.")],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="OUT.tflite", help="The file to write.")],
    precision: Annotated[
        str,
        typer.Option(
            "--precision",
            metavar="P",
            help="int8; int16x8 (activations of int16); mixed (of int16 where int8 loses too much); dynamic (of float, "
            "for the .tflite alone: no firmware).",
        ),
    ] = "int8",
    int16: Annotated[
        list[str] | None,
        typer.Option("--int16", metavar="LAYER", help="Of mixed: this layer, as inspect names it; may be repeated."),
    ] = None,
    min_snr: Annotated[
        float | None,
        typer.Option(
            "--min-snr",
            metavar="DB",
            min=0.0,
            max=200.0,
            help="Of mixed without --int16: the layers that lose most, until the output has so many dB (20).",
        ),
    ] = None,
    samples: Annotated[int, typer.Option("--samples", min=1, max=100_000, help="How many samples calibrate.")] = 200,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the choice of samples.")] = 0,
    json_target: JsonOption = "",
    quiet: QuietOption = False,
    debug: DebugOption = False,
) -> None:
    """A Keras model to a quantized .tflite. Example: tinygen quantize model.keras --data data.npz -o model.tflite

    The quantization doctor then compares an int8 model with the float model, layer by layer, and says what costs
    accuracy.
    """
    from ..diagnosis import diagnose, diagnose_file
    from ..frontend.convert import PRECISIONS, Precision
    from ..frontend.quantize import quantize_model
    from ..mixed import MixedOptions, quantize_mixed_file
    from ..user_data import open_data

    out = Output(json_target, quiet)
    choice(precision, (*PRECISIONS, "mixed"), "--precision")
    if precision != "mixed" and (int16 or min_snr is not None):
        raise BadInput("--int16 and --min-snr are of mixed precision.", "--precision mixed.")
    if int16 and min_snr is not None:
        raise BadInput("--int16 names the layers, --min-snr has them chosen.", "Give one of them.")
    arrays = open_data(data, Path.cwd(), out.say)
    with out.working("Quantizing"):
        if precision == "mixed":
            options = MixedOptions(tuple(int16 or ()), MixedOptions.min_snr if min_snr is None else min_snr)
            result = quantize_mixed_file(model, arrays, output, options, samples=samples, seed=seed, progress=out.say)
        else:
            result = quantize_model(
                model, arrays, output, precision=cast(Precision, precision), samples=samples, seed=seed,
                examine=precision == "int8", progress=out.say,
            )  # fmt: skip
        if result.examined is not None:
            found = diagnose(result.tflite, model.stem, arrays, result.examined)
        else:
            found = diagnose_file(result.tflite, model.stem)
    notes = [*result.findings, *([f"The layers' loss was not measured: {found.reason}"] if found.reason else [])]
    of = "mixed precision" if precision == "mixed" else "int8"
    if worst := min(
        (row for row in found.layers if row.snr_db is not None), key=lambda row: row.snr_db or 0.0, default=None
    ):
        notes.append(f"Signal-to-noise float against {of}: lowest in {worst.layer}, {worst.snr_db:.1f} dB.")
    out.show(*(f"- {note}" for note in notes), *(finding.line for finding in found.findings))
    out.show(f"{len(result.tflite):,} bytes in {output}")
    preprocess = result.preprocess.model_dump(mode="json") if result.preprocess else None
    out.finish(
        {
            "schema": "tinygen.quantize/1",
            "output": str(output),
            "precision": precision,
            "bytes": len(result.tflite),
            "preprocess": preprocess,
            **({"mixed": result.facts} if result.facts else {}),
            "notes": notes,
            **found.json(),
        }
    )
