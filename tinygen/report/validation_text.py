"""What is printed of a validation on a board."""

from __future__ import annotations

from typing import Any

from rich.table import Table

from .text import table


def validation_table(result: dict[str, Any]) -> Table:
    """What a "tinygen.validation/1" object tells, a fact a line."""
    latency, device, metric = result["latency"], result["device"], result["metric"]
    times = ", ".join(f"{key} {latency[key]:,}" for key in ("min", "median", "max"))
    rows: list[list[object]] = [
        ["bits", f"{result['mismatched_samples']} of {result['samples']} samples differ from {_reference(result)}"],
        ["on", f"{device['name']} {device['version']} at {result['port']}, SHA-256 {device['sha256'][:16]}…"],
        [f"{latency['unit']} an inference", f"{times} ({latency['source']})"],
    ]
    if metric:
        rows.append([metric["name"], f"{metric['value']:.4f} on {metric['samples']} samples, by the device's own bits"])
    if result["first_mismatch"]:
        rows.append(["first difference", first_difference(result)])
    seen = f"{result['retries']} requests sent again, {result['resets']} resets of the device"
    disturbed = f", {result['disturbed']} samples disturbed and sent again" if result["disturbed"] else ""
    rows.append(["line", seen + disturbed])
    rows += [[key, reason] for key, reason in result["reasons"].items()]
    return table("", ["", ""], rows, wrap=True)


def first_difference(result: dict[str, Any]) -> str:
    """Where the first difference is."""
    first = result["first_mismatch"] or {}
    return (
        f"First: sample {first.get('sample')}, output {first.get('output')}, index {first.get('index')}: "
        f"expected {first.get('expected')}, got {first.get('got')}."
    )


def _reference(result: dict[str, Any]) -> str:
    return str(result["reference"]["name"])
