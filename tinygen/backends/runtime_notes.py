"""What a project's README says of the two runtimes on an ESP32: which is faster as far as it is known, what breaks.

Read in esp-nn's headers (esp_nn_esp32s3.h, esp_nn_generic_opt.h) and README. The ESP32-S3 has vector code for int8
convolution, depthwise convolution, fully connected layers, pooling, ADD and MUL; the other chips have C written for
speed for the first two and for SOFTMAX, and plain C for the rest. None of it was measured against the ahead-of-time
runtime.
"""

from __future__ import annotations

import math

from ..boards import BoardProfile
from ..project import LayerRecord, Manifest
from .tflm_library import tflm_library

#: The kinds of layers with MACs that esp-nn has its own code for.
_VECTOR = frozenset({"CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"})
_WRITTEN_FOR_SPEED = frozenset({"CONV_2D", "DEPTHWISE_CONV_2D"})
_MOST = 0.5
#: esp_nn_esp32s3.h asks for it, TFLM's kernel does not look (issue 34 of espressif/esp-nn).
_FULLY_CONNECTED_MULTIPLE = 8

_NOT_MEASURED = "Nothing was measured on a board: render both, each firmware prints the time of an inference."
_S3 = (
    "Which runtime is faster: esp-nn, which `--runtime tflm` brings, has vector code of the ESP32-S3 for {share} % of"
    " this model's MACs; the ahead-of-time runtime has portable C for all of them. {verdict} " + _NOT_MEASURED
)
_S3_EXPECTED = (
    "esp-nn's own figures for such layers are 3 to 10 times those of plain C, so TensorFlow Lite Micro is expected to"
    " be the faster one here."
)
_S3_UNKNOWN = "That is too little to tell which one is faster."
_OTHERS = (
    "Which runtime is faster: not known. esp-nn, which `--runtime tflm` brings, has no vector code for this chip, but C"
    " written for speed for convolutions, {share} % of this model's MACs; the ahead-of-time runtime has portable C. "
    + _NOT_MEASURED
)
_NARROW = (
    "esp-nn's fully connected kernel for the ESP32-S3 is written for multiples of 8 outputs and has been reported to"
    " give wrong results for others with weights per channel (issue 34 of espressif/esp-nn). This model has such"
    " layers: {layers}. Compare the CRC-32 that the board prints at start with the one of `tinygen simulate`; where"
    " they differ, take `ANSI C` under ESP-NN in `idf.py menuconfig`, or `--runtime aot`."
)


def runtime_notes(board: BoardProfile, manifest: Manifest) -> tuple[str, ...]:
    """The notes, none where esp-nn is not to be had or the model multiplies nothing."""
    mcu = board.mcu.lower()
    macs = sum(layer.macs for layer in manifest.plan.layers)
    if not mcu.startswith("esp32") or not macs or not tflm_library(board).component:
        return ()
    is_s3 = mcu.startswith("esp32s3")
    kinds = _VECTOR if is_s3 else _WRITTEN_FOR_SPEED
    share = sum(layer.macs for layer in manifest.plan.layers if layer.op in kinds and _is_int8(layer)) / macs
    percent = math.floor(100 * share)
    if not is_s3:
        return (_OTHERS.format(share=percent),)
    notes = [_S3.format(share=percent, verdict=_S3_EXPECTED if share >= _MOST else _S3_UNKNOWN)]
    narrow = [layer.name for layer in manifest.plan.layers if _is_narrow(layer)]
    if narrow and manifest.runtime == "tflm":
        more = f" and {len(narrow) - 3} more" if len(narrow) > 3 else ""
        notes.append(_NARROW.format(layers=", ".join(f"`{name}`" for name in narrow[:3]) + more))
    return tuple(notes)


def _is_int8(layer: LayerRecord) -> bool:
    return layer.output_bytes == math.prod(layer.output_shape)


def _is_narrow(layer: LayerRecord) -> bool:
    outputs = layer.output_shape[-1] if layer.output_shape else 1
    return layer.op == "FULLY_CONNECTED" and _is_int8(layer) and outputs % _FULLY_CONNECTED_MULTIPLE != 0
