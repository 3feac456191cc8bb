"""Rebuilds a tf_keras model call by call, nested models opened up, each layer as whatever a function makes of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

#: (layer, positional arguments, keyword arguments) to the call's outputs.
Call = Callable[[Any, Any, dict[str, Any]], Any]


class _Shared(list[Any]):
    """Keras takes a tensor off this list each time that it is read; here it is the same one however often."""

    def pop(self, *_: Any) -> Any:
        return self[0]


def rebuild(model: Any, inputs: Any, call: Call) -> Any:
    """The model's outputs, symbolic, from the tensors `inputs`: `call` is asked for every call of a layer in order."""
    import tensorflow as tf

    tensors: dict[str, Any] = {}
    for ours, theirs in zip(tf.nest.flatten(model.inputs), tf.nest.flatten(inputs), strict=True):
        tensors[str(id(ours))] = _Shared([theirs])
    for depth in sorted(model._nodes_by_depth, reverse=True):
        for node in model._nodes_by_depth[depth]:
            if node.is_input or any(key not in tensors for key in map(str, node.flat_input_ids)):
                continue
            arguments, keywords = node.map_arguments(tensors)
            if hasattr(node.layer, "layers"):
                made = rebuild(node.layer, arguments[0], call)
            else:
                made = call(node.layer, arguments, keywords)
            for key, tensor in zip(map(str, node.flat_output_ids), tf.nest.flatten(made), strict=True):
                tensors[key] = _Shared([tensor])
    return tf.nest.pack_sequence_as(model.outputs, [tensors[str(id(t))][0] for t in tf.nest.flatten(model.outputs)])


class Twins:
    """Copies of layers with their weights, one a layer however often it is called; names stay, and stay unique."""

    def __init__(self) -> None:
        self.made: dict[int, Any] = {}
        self._names: set[str] = set()
        self._weights: list[tuple[Any, list[Any]]] = []

    def name(self, wanted: str) -> str:
        """`wanted`, or with a number where another layer has that name."""
        free = wanted
        for i in range(1, 10_000):
            if free not in self._names:
                break
            free = f"{wanted}_{i}"
        self._names.add(free)
        return free

    def call(self, layer: Any, arguments: Any, keywords: dict[str, Any]) -> Any:
        """The same call on the layer's copy."""
        if id(layer) not in self.made:
            config = {**layer.get_config(), "name": self.name(layer.name)}
            self.made[id(layer)] = type(layer).from_config(config)
            self._weights.append((self.made[id(layer)], layer.get_weights()))
        return self.made[id(layer)](*arguments, **keywords)

    def add(self, layer: Any, weights: list[Any]) -> Any:
        """A layer of another kind, whose weights are `weights` once it is built."""
        self._weights.append((layer, weights))
        return layer

    def fill(self) -> None:
        """Gives the copies their weights; they are built by now."""
        for layer, weights in self._weights:
            if weights:
                layer.set_weights(weights)
