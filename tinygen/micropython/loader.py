"""Runs a 32-bit native .mpy in unicorn, with as much of MicroPython as it asks for: no host loads these."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ..errors import BadInput, OutputsDiffer
from ..simulate.unicorn_count import BlockCounter
from ..simulate.unicorn_cpu import new_cpu
from .mpy_file import MpyFile, read_mpy
from .native import CORES

#: As on an nRF52, the text is data at one address and runs at another; as on an ESP32-C3, at a multiple of 4 alone.
_TEXT, _CODE, _BLOB, _HEAP = 0x20010004, 0x00810004, 0x10000000, 0x20200000
_STACK, _CALLS = 0x30000000, 0x00100000
_STACK_BYTES, _PAGE, _TABLE_ENTRIES = 0x10000, 0x1000, 87
_FUNCTION, _CONTEXT, _QSTRS, _OBJECTS, _TABLE, _ARGUMENTS = (_STACK + _STACK_BYTES + 0x200 * i for i in range(6))
_END = _CALLS + 4 * _TABLE_ENTRIES


class Raised(Exception):
    """The exception that the module raised: its type's name and its text."""

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(f"{kind}: {text}")
        self.kind = kind
        self.text = text


@dataclass
class Module:
    """An imported module: `values` are its global names. The blob lies at an odd address, as it may in ROMFS."""

    data: bytes
    values: dict[str, Any] = field(default_factory=dict)
    instructions: int = 0

    def __post_init__(self) -> None:
        self._file: MpyFile = read_mpy(self.data)
        core, machine = CORES.get(self._file.architecture, ("", ""))
        if not core:
            raise BadInput(f"A module for {self._file.architecture} does not run in unicorn here.")
        self._thumb = int(machine == "EM_ARM")
        self._uc, self._registers, _ = new_cpu(core)
        self._handles: dict[int, Any] = {}
        self._at = _HEAP
        self._names = list(self._file.names)
        self._raised: Raised | None = None
        self._load()
        self.call(_TEXT, ())

    def run(self, samples: bytes, arena: int, out_bytes: int) -> bytes:
        """`run(samples, out, arena)` on an arena that `allocate` gave; the instructions are counted."""
        out = self.allocate(out_bytes)
        self.call(self.values["run"], (self.buffer(samples), out, arena))
        address, size = self._handles[out]
        return bytes(self._uc.mem_read(address, size))

    def buffer(self, content: bytes, offset: int = 0) -> int:
        """A handle of a new buffer with this content, `offset` bytes after a multiple of 16."""
        address = self._at + offset
        self._at += (len(content) + offset + 31) // 16 * 16
        self._uc.mem_write(address, content)
        return self._handle((address, len(content)))

    def allocate(self, size: int, offset: int = 0) -> int:
        """The same, filled with zeros."""
        return self.buffer(bytes(size), offset)

    def call(self, code: int, arguments: tuple[int, ...]) -> Any:
        """Calls a function of the module with handles; Raised where it raises, OutputsDiffer where it faults."""
        import unicorn

        self._uc.mem_write(_ARGUMENTS, struct.pack(f"<{len(arguments)}I", *arguments))
        self._set(("a0", _FUNCTION), ("a1", len(arguments)), ("a2", 0), ("a3", _ARGUMENTS))
        self._set(("sp", _STACK + _STACK_BYTES - 64), ("ra", _END | self._thumb))
        self._raised, before = None, self._counter.count
        self._counter.start()
        try:
            self._uc.emu_start(code - _TEXT + _CODE | self._thumb, _END)
        except unicorn.UcError as error:
            where = self._uc.reg_read(self._registers["pc"]) - _CODE
            raise OutputsDiffer(
                f"The module for {self._file.architecture} faults at text+{where:#x}: {error}."
            ) from None
        self.instructions = self._counter.count - before
        if self._raised is not None:
            raise self._raised
        return self._uc.reg_read(self._registers["a0"])

    def _set(self, *pairs: tuple[str, int]) -> None:
        for name, value in pairs:
            self._uc.reg_write(self._registers[name], value)

    def _load(self) -> None:
        import unicorn

        uc, text, blob = self._uc, self._file.text, self._file.blob
        self._registers |= _registers(bool(self._thumb))
        read, write, run = unicorn.UC_PROT_READ, unicorn.UC_PROT_WRITE, unicorn.UC_PROT_EXEC
        for at, access in ((_TEXT, read), (_CODE, read | run)):
            uc.mem_map(at // _PAGE * _PAGE, -(-(len(text) + at % _PAGE) // _PAGE) * _PAGE, access)
        uc.mem_map(_BLOB, -(-(len(blob) + 1) // _PAGE) * _PAGE, read)
        uc.mem_map(_HEAP, 1 << 24, read | write)
        uc.mem_map(_STACK, _STACK_BYTES + _PAGE, read | write)
        uc.mem_map(_CALLS, _PAGE, read | run)
        uc.mem_write(_TEXT, text)
        uc.mem_write(_CODE, text)
        uc.mem_write(_BLOB + 1, blob)
        table = struct.pack(f"<{_TABLE_ENTRIES}I", *(_CALLS + 4 * i | self._thumb for i in range(_TABLE_ENTRIES)))
        uc.mem_write(_TABLE, table)
        uc.mem_write(_QSTRS, struct.pack(f"<{len(self._names)}H", *range(len(self._names))))
        uc.mem_write(_OBJECTS, struct.pack("<2I", _TABLE, self._handle((_BLOB + 1, len(blob)))))
        uc.mem_write(_CONTEXT, struct.pack("<4I", 0, 0, _QSTRS, _OBJECTS))
        uc.mem_write(_FUNCTION, struct.pack("<4I", 0, _CONTEXT, 0, _TEXT))
        self._counter = BlockCounter(uc, bool(self._thumb), (_CODE, len(text)), "")
        uc.hook_add(unicorn.UC_HOOK_CODE, self._called, begin=_CALLS, end=_END - 4)

    def _handle(self, value: Any) -> int:
        handle = 0x50000000 + 16 * len(self._handles)
        self._handles[handle] = value
        return handle

    def _called(self, uc: Any, address: int, *_: Any) -> None:
        """An entry of the function table was called: what it does, and back to the caller."""
        entry = (address - _CALLS) // 4
        known: dict[int, Callable[..., int]] = {
            4: self._to_object, 5: self._swap_globals, 7: self._load_global, 13: self._store_global,
            26: self._make_function, 27: self._call, 34: self._raise, 44: self._check_arguments, 57: self._new_str,
            65: self._get_buffer,
        }  # fmt: skip
        if entry not in known:
            self._stop("SystemError", f"entry {entry} of the function table")
            return
        result = known[entry](*(uc.reg_read(self._registers[name]) for name in ("a0", "a1", "a2", "a3")))
        if self._raised is None:
            self._set(("a0", result), ("pc", uc.reg_read(self._registers["ra"])))

    def _stop(self, kind: str, text: str) -> int:
        self._raised = Raised(kind, text)
        self._uc.emu_stop()
        return 0

    def _to_object(self, value: int, *_: int) -> int:
        return self._handle(value)

    def _swap_globals(self, *_: int) -> int:
        return 0

    def _load_global(self, qstr: int, *_: int) -> int:
        return self._handle(self._names[qstr])

    def _store_global(self, qstr: int, handle: int, *_: int) -> int:
        self.values[self._names[qstr]] = self._handles[handle]
        return 0

    def _make_function(self, raw: int, *_: int) -> int:
        indicator, kind, _generator, code = struct.unpack("<HBBI", self._uc.mem_read(raw, 8))
        if indicator != 0 or kind != 4 or not _TEXT <= code < _TEXT + len(self._file.text):
            return self._stop("SystemError", f"a function of kind {kind} at {code:#x}")
        return self._handle(code & ~self._thumb)

    def _call(self, kind: int, count: int, arguments: int, *_: int) -> int:
        (text,) = struct.unpack("<I", self._uc.mem_read(arguments, 4 * count))
        return self._handle((self._handles[kind], self._handles[text]))

    def _raise(self, exception: int, *_: int) -> int:
        return self._stop(*self._handles[exception])

    def _check_arguments(self, positional: int, keywords: int, signature: int, *_: int) -> int:
        if keywords or not signature >> 17 <= positional <= signature >> 1 & 0xFFFF:
            return self._stop("TypeError", f"{positional} arguments")
        return 0

    def _new_str(self, data: int, length: int, *_: int) -> int:
        return self._handle(self._uc.mem_read(data, length).decode())

    def _get_buffer(self, handle: int, to: int, *_: int) -> int:
        value = self._handles.get(handle)
        if not isinstance(value, tuple):
            return self._stop("TypeError", "object with buffer protocol required")
        self._uc.mem_write(to, struct.pack("<3I", *value, ord("B")))
        return 1


def _registers(is_arm: bool) -> dict[str, int]:
    if is_arm:
        from unicorn import arm_const as arm

        return {"a2": arm.UC_ARM_REG_R2, "a3": arm.UC_ARM_REG_R3, "sp": arm.UC_ARM_REG_SP, "ra": arm.UC_ARM_REG_LR}
    from unicorn import riscv_const as rv

    return {"a2": rv.UC_RISCV_REG_A2, "a3": rv.UC_RISCV_REG_A3, "sp": rv.UC_RISCV_REG_SP, "ra": rv.UC_RISCV_REG_RA}
