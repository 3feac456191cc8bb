"""Where a board's TensorFlow Lite Micro comes from: a component or a library, pinned, and what is known of it."""

from __future__ import annotations

from dataclasses import dataclass

from ..boards import BoardProfile
from ..errors import BadInput
from ..project import Kind


@dataclass(frozen=True)
class TflmLibrary:
    """A source of TFLM: `lib_deps` of PlatformIO's registry or `component` of Espressif's, for one framework."""

    name: str
    version: str
    framework: str
    lib_deps: tuple[str, ...] = ()
    component: str = ""
    header: str = ""  # Arduino's builder finds a library by the header of its root folder that a program includes
    notes: tuple[str, ...] = ()


_ESP = TflmLibrary(
    name="esp-tflite-micro",
    version="1.3.8",
    framework="espidf",
    component="espressif/esp-tflite-micro",
    notes=(
        "TensorFlow Lite Micro is the component `espressif/esp-tflite-micro` 1.3.8 with esp-nn's kernels; it needs"
        " ESP-IDF 5.0 or newer.",
        "esp-nn has vector code for the ESP32-S3 alone; its scratch buffers there are in the arena's size. Known to"
        " break there with esp-nn as it was released until August 2026: strided convolutions with SAME padding have a"
        " wrong last row or column (issue 31 of espressif/esp-nn), depthwise ones may write past their scratch (issue"
        " 30). Both are mended in its sources: `idf.py update-dependencies` takes the newest release.",
        "esp-nn's kernels are not the oracle: the bits were compared with TensorFlow Lite Micro's reference kernels on"
        " the host. The CRC-32 that the board prints at start is that of the first run of `tinygen simulate . --json -`"
        " where its kernels agree with them.",
    ),
)
_ARDUINO = TflmLibrary(
    name="Chirale_TensorFLowLite",
    version="2.0.0",
    framework="arduino",
    lib_deps=("spaziochirale/Chirale_TensorFLowLite@2.0.0",),
    header="Chirale_TensorFlowLite.h",
    notes=(
        "TensorFlow Lite Micro is the Arduino library `spaziochirale/Chirale_TensorFLowLite` 2.0.0 (July 2024, with"
        " CMSIS-NN). Its authors test it on Arduino's mbed boards (Nano 33 BLE, Portenta, Giga) and on ESP32; on other"
        " cores it may need a patch.",
        "The bare tflite-micro repository as a dependency does not build.",
    ),
)
_HOST = TflmLibrary(name="", version="", framework="")


def tflm_library(board: BoardProfile, project: Kind = "platformio") -> TflmLibrary:
    """The library for this board and kind of project; the empty one for boards that PlatformIO does not know.

    Raises BadInput where the board's platform has neither ESP-IDF nor Arduino.
    """
    if project == "espidf":
        return _ESP
    if project == "arduino":
        return _ARDUINO
    if board.platformio is None:
        return _HOST
    frameworks = board.platformio.frameworks
    if "espidf" in frameworks:
        return _ESP
    if "arduino" in frameworks:
        return _ARDUINO
    raise BadInput(
        f"{board.name}: no library brings TensorFlow Lite Micro to {', '.join(frameworks)}.",
        "--runtime aot needs none.",
    )
