"""Finds loops in a TensorFlow graph before the converter sees them: it has no int8 form for them, and dies of some."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..errors import BadInput

_CALLS = frozenset({"PartitionedCall", "StatefulPartitionedCall"})
_LOOPS = frozenset({"While", "StatelessWhile"})


def refuse_loops(graph_def: Any, name: str) -> None:
    """Raises BadInput naming the layer of the first loop, but for an LSTM's: that the converter knows."""
    functions = {f.signature.name: f for f in graph_def.library.function}
    for where in _loops(graph_def.node, functions, "", frozenset()):
        parts = [part for part in where.split("/") if part not in ("while", *_CALLS)]
        raise BadInput(
            f"{name}: layer {parts[-1] if parts else where!r}: a loop over its steps has no int8 form.",
            "unroll=True in that layer (GRU, SimpleRNN, RNN) keeps its weights and makes it work; or LSTM.",
        )


def _loops(nodes: Any, functions: dict[str, Any], path: str, seen: frozenset[str]) -> Iterator[str]:
    """The paths of loops, through the functions that are called."""
    for node in nodes:
        where = f"{path}/{node.name}".strip("/")
        if node.op in _LOOPS:
            yield where
        called = functions.get(node.attr["f"].func.name) if node.op in _CALLS else None
        if called is None or called.signature.name in seen or called.attr["api_implements"].s.startswith(b"lstm"):
            continue
        yield from _loops(called.node_def, functions, where, seen | {called.signature.name})
