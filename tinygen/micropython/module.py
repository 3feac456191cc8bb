"""A model as the C of a native module, and the bytes that it reads its int8 weights from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..backends.aot import ModelInfo, model_context, model_pool, with_includes
from ..backends.constants import ITEM, Field, Pool
from ..backends.templating import render
from ..graph.ir import Graph
from ..graph.plan import MemoryPlan
from ..ops.lowering import Layer
from ..resources import data_dir

#: What the caller's arena is aligned to: the widest type that a kernel reads from it.
ARENA_ALIGN = 8
#: Names that the module looks up or defines, by their number in the .mpy file.
QSTRS = ("ValueError", "run", "reset", "ARENA_BYTES", "INPUT_BYTES", "OUTPUT_BYTES")


@dataclass(frozen=True)
class ModuleSource:
    """`files` by name, the C files to compile among them; `blob` becomes the .mpy's bytes object."""

    files: dict[str, str]
    blob: bytes
    arena_bytes: int
    input_bytes: int
    output_bytes: int


def module_source(graph: Graph, layers: tuple[Layer, ...], plan: MemoryPlan, info: ModelInfo) -> ModuleSource:
    """Constants of one byte an element go into the blob, which may lie at any address; wider ones into the text."""
    pool = model_pool(graph, layers, info.name)
    narrow = [field for field in pool.fields if ITEM[field.ctype] == 1]
    blob = b"".join(field.data.tobytes() for field in narrow)
    context = inference_context(graph, layers, plan, info, narrow)
    text = render("micropython/module.c.j2", **context, native=f"_{info.name}", blob_bytes=len(blob), qstrs=QSTRS)
    files = {"module.c": text, **with_includes({*context["headers"], "tg.h"}), **_firmware()}
    return ModuleSource(files, blob, *(context[key] for key in ("arena_bytes", "input_bytes", "output_bytes")))


def inference_context(
    graph: Graph, layers: tuple[Layer, ...], plan: MemoryPlan, info: ModelInfo, apart: Sequence[Field] = ()
) -> dict[str, Any]:
    """What micropython/inference.c.j2 is given; the constants `apart` lie one after the other where `bytes` points."""
    pool = model_pool(graph, layers, info.name)
    kept = [field for field in pool.fields if field.name not in {f.name for f in apart}]
    context = model_context(graph, layers, plan, "", info, _renamed(pool, apart, f"{info.name}_weights"))
    ends = {key: _one_after_the_other(context[key]) for key in ("inputs", "outputs")}
    states = -(-context["state_bytes"] // ARENA_ALIGN) * ARENA_ALIGN + ARENA_ALIGN if context["states"] else 0
    offset = -(-plan.arena_bytes // ARENA_ALIGN) * ARENA_ALIGN
    return {
        **context,
        "arena_bytes": max(offset + states, ARENA_ALIGN),
        "input_bytes": ends["inputs"],
        "output_bytes": ends["outputs"],
        "words": kept,
        "plan_bytes": plan.arena_bytes,
        "state_bytes": states,
        "state_offset": offset,
        "arena_align": ARENA_ALIGN,
    }


def _renamed(pool: Pool, apart: Sequence[Field], struct: str) -> Pool:
    """The same constants under the names that they have here: an offset into the blob, a member of `words`."""
    names, at = {}, 0
    for field in apart:
        names[f"{struct}.{field.name}"] = f"BYTES({field.ctype}, {at})"
        at += field.nbytes
    told = {key: names.get(name, name.replace(f"{struct}.", "words.", 1)) for key, name in pool.names.items()}
    return replace(pool, names=told)


def _one_after_the_other(tensors: list[dict[str, Any]]) -> int:
    """Says of each where it begins in the caller's buffer; returns the buffer's bytes."""
    at = 0
    for tensor in tensors:
        tensor["first"] = at
        at += tensor["bytes"]
    return at


def _firmware() -> dict[str, str]:
    folder = data_dir("firmware")
    found = {path.name: path.read_text("utf-8") for path in sorted((folder / "micropython").iterdir())}
    return {**found, "mem.c": (folder / "platform" / "mem.c").read_text("utf-8")}
