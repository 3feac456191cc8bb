"""What a SavedModel would run for inference: nothing of it may reach the file operators that checkpoints are made with.

Every SavedModel carries functions that save and restore its variables. The loader does not call them; a hostile file
could have its serving function call them, and then inference would write files.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Any

from ..errors import BadInput

WRITING = frozenset({"SaveV2", "MergeV2Checkpoints"})
SAVING = WRITING | {"RestoreV2", "ShardedFilename"}
#: Elements of all constants together: a constant of one value may claim any shape.
MAX_CONSTANT_ELEMENTS = 1 << 28
#: Collections of nodes that loaders run.
_RUN_AT_LOAD = ("saved_model_main_op", "legacy_init_op")


def check_inference(meta: Any, name: str) -> None:
    """Raises BadInput where what a loader runs or offers would write files, or read others than the variables.

    Constants may not claim more than MAX_CONSTANT_ELEMENTS.
    """
    library = {f.signature.name: f for f in meta.graph_def.library.function}
    nodes = {node.name: node for node in meta.graph_def.node}
    callers = _callers(library)
    saving, writing = _reaching(callers, SAVING), _reaching(callers, WRITING)
    bad = [function for function in _offered(meta.object_graph_def) if function in saving]
    bad += [node.name for node in _upstream(nodes, _run(meta, name)) if not saving.isdisjoint(_called(node))]
    restoring = _upstream(nodes, [_plain(meta.saver_def.restore_op_name)])
    bad += [node.name for node in restoring if not writing.isdisjoint(_called(node))]
    if bad:
        raise BadInput(
            f"{name}: {min(bad)[:80]!r} saves or restores files where it should only compute.",
            "Export the inference part of the model alone.",
        )
    everything = (meta.graph_def.node, *(function.node_def for function in library.values()))
    constants = (node for nodes in everything for node in nodes if node.op == "Const")
    elements = sum(_elements(node.attr["value"].tensor) for node in constants)
    if elements > MAX_CONSTANT_ELEMENTS:
        raise BadInput(f"{name}: its constants have {elements} elements, the limit is {MAX_CONSTANT_ELEMENTS}.")


def _elements(tensor: Any) -> int:
    return math.prod(max(0, int(d.size)) for d in tensor.tensor_shape.dim)


def _called(node: Any) -> Iterator[str]:
    """Names of the functions that a node calls."""
    yield node.op
    for value in node.attr.values():
        if value.HasField("func"):
            yield value.func.name
        yield from (function.name for function in value.list.func)


def _callers(library: dict[str, Any]) -> dict[str, set[str]]:
    """Who calls each operator or function; functions that implement one interface may run in each other's place."""
    callers: dict[str, set[str]] = {}
    alike: dict[bytes, set[str]] = {}
    for name, function in library.items():
        for callee in (callee for node in function.node_def for callee in _called(node)):
            callers.setdefault(callee, set()).add(name)
        if "api_implements" in function.attr:
            alike.setdefault(function.attr["api_implements"].s, set()).add(name)
    for names in alike.values():
        for name in names:
            callers.setdefault(name, set()).update(names)
    return callers


def _reaching(callers: dict[str, set[str]], operators: frozenset[str]) -> set[str]:
    """Those operators, the functions that have one of them, and the functions that call those."""
    found: set[str] = set()
    todo = list(operators)
    while todo:
        name = todo.pop()
        if name not in found:
            found.add(name)
            todo += callers.get(name, ())
    return found


def _offered(objects: Any) -> set[str]:
    """The functions that whoever loads the model can call."""
    names = set(objects.concrete_functions)
    for node in objects.nodes:
        names.update(node.function.concrete_functions)
        names.add(node.bare_concrete_function.concrete_function_name)
    return names


def _run(meta: Any, name: str) -> list[str]:
    """The nodes of the main graph that a signature gives out, and those that loaders run."""
    outputs = [output for signature in meta.signature_def.values() for output in signature.outputs.values()]
    if not all(output.name for output in outputs):
        raise BadInput(f"{name}: a signature gives out what is no plain tensor.", "Export dense tensors.")
    collected = (node for key in _RUN_AT_LOAD for node in meta.collection_def[key].node_list.value)
    return [*(_plain(output.name) for output in outputs), *map(_plain, collected)]


def _upstream(nodes: dict[str, Any], todo: Iterable[str]) -> Iterator[Any]:
    """The nodes of those names and all that they depend on."""
    waiting, seen = list(todo), set()
    while waiting:
        name = waiting.pop()
        if name in seen or name not in nodes:
            continue
        seen.add(name)
        yield nodes[name]
        waiting += [_plain(source) for source in nodes[name].input]


def _plain(name: str) -> str:
    """A node's name without output number and control mark."""
    return name.removeprefix("^").partition(":")[0]
