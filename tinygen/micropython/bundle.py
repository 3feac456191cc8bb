"""What is copied to a board: the module, native where the board's firmware takes it, and what it costs there."""

from __future__ import annotations

import keyword
from dataclasses import dataclass
from functools import cached_property

from ..backends.projects import require_micropython
from ..compiled import Compiled
from ..errors import BadInput
from ..ops.lowering import Optimize
from .heap import Heap
from .module import ModuleSource, module_source
from .mpy_file import MpyFile, read_mpy
from .native import build_native

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
    """`mpy` is `_<name>.mpy`; `source` the C that it was compiled from; `compiler` is empty where it is not known.

    `helper_bytes` are those of `<name>.py` beside it.
    """

    source: ModuleSource
    mpy: bytes
    compiler: str = ""
    helper_bytes: int = HELPER_BYTES

    @cached_property
    def file(self) -> MpyFile:
        """Its parts."""
        return read_mpy(self.mpy)

    @property
    def heap(self) -> Heap:
        """What it takes of the heap."""
        ends = self.source.input_bytes + self.source.output_bytes
        return Heap(len(self.file.text), len(self.file.blob), self.source.arena_bytes, ends)


def require_module_name(name: str) -> None:
    """BadInput for a name that MicroPython could not import the model by."""
    if keyword.iskeyword(name) or name in _TAKEN:
        raise BadInput(f"{name!r} is not a name that MicroPython can import a model by.", f"--name {name}_model")


def bundle(compiled: Compiled, *, optimize: Optimize = "balanced", toolchain: str | None = None) -> Bundle:
    """The module for the board of `compiled`. Raises BadInput for a board that no MicroPython is known for, MissingTool
    where no compiler for its core is installed."""
    board = compiled.board
    require_micropython(board)
    require_module_name(compiled.model.name)
    source = source_of(compiled)
    made = build_native(source, board.micropython_arch, prefer=toolchain, optimize=optimize)
    return Bundle(source, made.data, made.compiler)


def source_of(compiled: Compiled) -> ModuleSource:
    """The C of its module."""
    return module_source(compiled.graph, compiled.layers, compiled.plan, compiled.model.info)
