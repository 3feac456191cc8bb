"""The sources of the application in a project: what never changes of it, and what it knows of the model."""

from __future__ import annotations

from typing import Any

from ..application import AppPlan, Vector
from ..project import Manifest
from ..resources import data_dir
from .templating import render
from .tflm_array import array_lines

#: firmware/app less the ports: the same on every board.
APP_FILES = (
    "tg_app.h", "tg_app.c", "tg_app_lines.c", "tg_app_stream.c", "tg_cycles.h", "tg_cycles.c", "tg_layers.h",
    "tg_layers.c", "tg_link.h", "tg_link.c", "tg_ring.h", "tg_ring.c", "tg_score.h", "tg_score.c", "tg_selftest.h",
    "tg_selftest.c", "tg_smooth.h", "tg_smooth.c", "tg_text.h", "tg_text.c",
)  # fmt: skip
#: A layer more and tg_layers.h has to be told.
_LAYERS = 128


def app_context(manifest: Manifest, app: AppPlan, *, cpp: bool) -> dict[str, Any]:
    """What templates that speak of the application need; `cpp` where the user's own file is C++."""
    return {
        "app": app,
        "user_file": "user.cpp" if cpp else "user.c",
        "threshold": "none" if manifest.app.threshold is None else repr(manifest.app.threshold),
        "layer_times": bool(_trace_flags(manifest, app)),
        "trace_flags": _trace_flags(manifest, app),
    }


def _trace_flags(manifest: Manifest, app: AppPlan) -> str:
    """What compiles the model with its hook after every layer: the self-test of --source vectors tells their times.

    Arduino has no place for flags of a project."""
    if app.source != "vectors" or manifest.project == "arduino":
        return ""
    count = len(manifest.plan.layers)
    return "-DTG_TRACE=1" + (f" -DTG_LAYERS={count}" if count > _LAYERS else "")


def app_files(context: dict[str, Any], port: tuple[str, ...]) -> dict[str, str]:
    """The application's files by name, all of one folder: firmware/app with this port, and the rendered ones."""
    app: AppPlan = context["app"]
    files = {name: (data_dir("firmware") / "app" / name).read_text("utf-8") for name in (*APP_FILES, *port)}
    if app.vectors or app.rules or app.stream:
        files["tg_app_data.h"] = render("platformio/tg_app_data.h.j2", **context)
        files["tg_app_data.c"] = render("platformio/tg_app_data.c.j2", **context, **_vectors(app.vectors))
    if app.source == "function":
        files[context["user_file"]] = render("platformio/user.j2", **context)
    return files


def _vectors(vectors: tuple[Vector, ...]) -> dict[str, Any]:
    """The arrays, and the rows of the table that point to them."""
    arrays, rows = [], []
    for i, vector in enumerate(vectors):
        names = []
        for kind, data in (("input", vector.input), ("output", vector.output)):
            names.append("NULL" if data is None else f"{kind}{i}")
            if data is not None:
                arrays.append({"name": f"{kind}{i}", "count": len(data), "lines": tuple(array_lines(data))})
        ramp = " /* the ramp */" if vector.input is None else ""
        rows.append(f"{{{names[0]}, {names[1]}, 0x{vector.crc32:08x}u}},{ramp}")
    return {"arrays": arrays, "rows": rows}
