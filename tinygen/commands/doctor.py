"""tinygen doctor: which tools are here, and how to get the rest."""

from __future__ import annotations

from typing import Annotated

import typer

from .options import DebugOption, JsonOption, Output, QuietOption


def command(
    setup_offline: Annotated[
        bool, typer.Option("--setup-offline", help="Make PlatformIO's tool-scons out of pip's scons.")
    ] = False,
    json_target: JsonOption = "",
    quiet: QuietOption = False,
    debug: DebugOption = False,
) -> None:
    """Which tools are here, and how to get the rest. Example: tinygen doctor"""
    from ..report.text import table
    from ..toolchain.platformio import core_dir
    from ..toolchain.platformio import setup_offline as make_scons
    from ..tools import survey

    out = Output(json_target, quiet)
    if setup_offline:
        out.show(f"PlatformIO's own folder, {core_dir()}, gets the package tool-scons, made out of pip's scons.")
        out.show(f"tool-scons for PlatformIO: {make_scons(core_dir())}")
    found = survey()
    rows = [[tool.name, tool.purpose, tool.version or "missing", "" if tool.version else tool.remedy] for tool in found]
    out.show(table("Tools", ["tool", "for", "version", "to get it"], rows, wrap=True))
    out.finish(
        {
            "schema": "tinygen.doctor/1",
            "tools": [{"name": t.name, "for": t.purpose, "version": t.version, "remedy": t.remedy} for t in found],
        }
    )
