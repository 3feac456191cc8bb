"""Which layer the converter dies of: the model is converted up to a layer, in a process of its own, by bisection."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from ...worker import Progress, WorkerFault, run_job

_SAMPLES, _SECONDS = 4, 300.0


def culprit(job: dict[str, Any], ask: Callable[[dict[str, Any]], dict[str, Any]] | None = None) -> str:
    """The first layer with which a conversion dies, "" where it cannot be told; `job` is quantize's of a Keras model.

    `ask` runs `probe_job`: it raises WorkerFault where the process dies.
    """
    ask = ask or _in_a_process
    try:
        names = [str(name) for name in ask({**job, "layer": None})["layers"]]
    except WorkerFault:
        return ""
    low, high = 0, len(names)
    while low < high:
        middle = (low + high) // 2
        try:
            ask({**job, "layer": names[middle]})
        except WorkerFault as error:
            if not error.signal:
                return ""
            high = middle
        else:
            low = middle + 1
    return names[low] if low < len(names) else ""


def _in_a_process(request: dict[str, Any]) -> dict[str, Any]:
    return run_job("tinygen.frontend.doctor.culprit:probe_job", request, timeout_seconds=_SECONDS)


def probe_job(request: dict[str, Any], _progress: Progress) -> dict[str, Any]:
    """Runs in the worker: converts the model up to a layer; what is merely refused there did not kill anything."""
    import tf_keras

    from ...errors import BadInput
    from ...quantization_aware import open_keras
    from ..convert import convert

    model = open_keras(request["path"])
    names = [layer.name for layer in model.layers if type(layer).__name__ != "InputLayer"]
    if request["layer"] is not None and Path(request["samples"]).is_file():
        part = tf_keras.Model(model.inputs, model.get_layer(request["layer"]).get_output_at(0))
        samples = np.load(request["samples"], allow_pickle=False)[:_SAMPLES]
        shape = (1, *(int(d) for d in model.inputs[0].shape[1:]))
        with contextlib.suppress(BadInput):
            convert(lambda x: part(x, training=False), part, shape, samples, "part", request.get("precision", "int8"))
    return {"layers": names}
