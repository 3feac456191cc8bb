"""TensorFlow's pages of error about a conversion in one line: the layers and operators that it stumbled over."""

from __future__ import annotations

import re
from typing import Any

from ..errors import BadInput
from .layer_names import layer_of

_SMOOTH = frozenset({"ResizeBicubic", "ScaleAndTranslate"})


def refusal(error: Exception, name: str) -> BadInput:
    """What the converter's error says, with the way out."""
    message = str(error)
    operators = sorted(set(re.findall(r"'(?:tf|tfl)\.([A-Za-z0-9]+)' op", message)))
    if operators:
        layers = ", ".join(repr(layer) for layer in _layers(getattr(error, "errors", ())))
        where = f"layer {layers}: " if layers else ""
        what = f"{where}TensorFlow Lite cannot convert the operators {', '.join(operators)} to int8."
    else:
        first = next((line.strip() for line in message.splitlines() if line.strip()), "no reason given")
        what = f"the TensorFlow Lite converter refuses it: {first[:300]}"
    hint = "Replace those layers by ones that TensorFlow Lite has in int8."
    return BadInput(f"{name}: {what}", 'interpolation="nearest" or "bilinear".' if _SMOOTH & set(operators) else hint)


def _layers(errors: Any) -> dict[str, None]:
    """The layers in the places that the errors name: "model/dense/MatMul@__inference_…" """
    found: dict[str, None] = {}
    for error in errors:
        layer = layer_of(next((call.name for call in error.location.call if call.name), ""))
        if layer:
            found[layer] = None
    return found
