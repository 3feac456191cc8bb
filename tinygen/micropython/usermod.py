"""A model as a user C module, for those who build MicroPython's firmware themselves: code and weights stay in flash."""

from __future__ import annotations

from ..backends.aot import ModelInfo, with_includes
from ..backends.templating import render
from ..graph.ir import Graph
from ..graph.plan import MemoryPlan
from ..ops.lowering import Layer
from .module import inference_context

FOLDER = "usermod"


def usermod_files(graph: Graph, layers: tuple[Layer, ...], plan: MemoryPlan, info: ModelInfo) -> dict[str, str]:
    """The files by path: usermod/_<name>/ is the module, usermod/manifest.py freezes device/<name>.py beside it.

    The kernels' headers stand beside the module's C file and are found there, so that the folder adds no include
    directory to the firmware's build; several models' folders may stand side by side.
    """
    context = inference_context(graph, layers, plan, info)
    inside = {
        "micropython.cmake": render("micropython/usermod.cmake.j2", **context),
        "micropython.mk": render("micropython/usermod.mk.j2", **context),
        f"mod_{info.name}.c": render("micropython/usermod.c.j2", **context),
        **with_includes({*context["headers"], "tg.h"}),
    }
    files = {f"{FOLDER}/_{info.name}/{name}": text for name, text in inside.items()}
    return {**files, f"{FOLDER}/manifest.py": render("micropython/manifest.py.j2", **context)}
