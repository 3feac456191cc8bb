"""Finds loops in a TensorFlow graph before the converter sees them: it has no int8 form for them, and dies of some."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from ..errors import BadInput

_CALLS = frozenset({"PartitionedCall", "StatefulPartitionedCall"})
_LOOPS = frozenset({"While", "StatelessWhile"})
#: Outputs of Keras's LSTM function that the converter's one operator gives: the last step, and all of them. Where
#: another one is read (the states h and c), it expands the loop instead, and dies of it.
_LSTM_OUTPUTS = frozenset({0, 1})


def refuse_loops(graph_def: Any, name: str) -> None:
    """Raises BadInput naming the layer of the first loop, but for a whole LSTM's: that the converter knows."""
    functions = {f.signature.name: f for f in graph_def.library.function}
    for where, is_lstm in _loops(graph_def.node, (), functions, "", frozenset()):
        parts = [part for part in where.split("/") if part not in ("while", *_CALLS)]
        layer = f"{name}: layer {parts[-1] if parts else where!r}"
        if is_lstm:
            raise BadInput(
                f"{layer}: the states of an LSTM are read; with them it stays a loop, which has no int8 form.",
                "Use its output alone (return_state=False), or unroll=True.",
            )
        raise BadInput(
            f"{layer}: a loop over its steps has no int8 form.",
            "unroll=True in that layer (GRU, SimpleRNN, RNN) keeps its weights and makes it work; or LSTM.",
        )


def _loops(
    nodes: Any, results: Iterable[str], functions: dict[str, Any], path: str, seen: frozenset[str]
) -> Iterator[tuple[str, bool]]:
    """(path, whether an LSTM's) of each loop, through the functions that are called; `results` leave the graph."""
    read = [*results, *(value for node in nodes for value in node.input)]
    for node in nodes:
        where = f"{path}/{node.name}".strip("/")
        if node.op in _LOOPS:
            yield where, False
        called = functions.get(node.attr["f"].func.name) if node.op in _CALLS else None
        if called is None or called.signature.name in seen:
            continue
        if called.attr["api_implements"].s.startswith(b"lstm"):
            if not _outputs_read(node.name, called.signature, read) <= _LSTM_OUTPUTS:
                yield where, True
            continue
        inner = seen | {called.signature.name}
        yield from _loops(called.node_def, called.ret.values(), functions, where, inner)


def _outputs_read(node: str, signature: Any, read: Iterable[str]) -> set[int]:
    """The outputs of a call that others read: "node", "node:1" in a graph, "node:name:0" inside of a function."""
    names = [output.name for output in signature.output_arg]
    found = set()
    for value in read:
        source, *which = value.split(":")
        if source == node:
            found.add(names.index(which[0]) if len(which) == 2 else int(which[0]) if which else 0)
    return found
