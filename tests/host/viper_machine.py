"""Runs the machine code of viper kernels out of a .mpy file in unicorn, on cores of 32 bits: no host loads these."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tinygen.micropython.native import CORES
from tinygen.micropython.viper_words import Call
from tinygen.simulate.unicorn_count import BlockCounter
from tinygen.simulate.unicorn_cpu import new_cpu

_CODE, _ENTRIES, _HEAP, _STACK = 0x20010000, 0x00100000, 0x20200000, 0x30000000
_STACK_BYTES, _PAGE, _COUNT = 0x10000, 0x1000, 87
_FUNCTION, _CONTEXT, _TABLE, _ARGUMENTS = (_STACK + _STACK_BYTES + 0x200 * i for i in range(4))
_END, _HANDLES = _ENTRIES + 4 * _COUNT, 0x50000000
_BYTECODE, _VIPER, _RELOCATED, _CHILDREN = 0, 2, 0x10, 4


@dataclass
class _Reader:
    data: bytes
    at: int = 4

    def take(self, count: int) -> bytes:
        self.at += count
        return self.data[self.at - count : self.at]

    def number(self) -> int:
        value = 0
        while True:
            (byte,) = self.take(1)
            value = value << 7 | byte & 0x7F
            if not byte & 0x80:
                return value

    def name(self) -> str:
        size = self.number()
        return f"static {size >> 1}" if size & 1 else self.take((size >> 1) + 1)[:-1].decode()

    def constant(self) -> bool:
        """Goes past it; whether it is the table of functions."""
        (kind,) = self.take(1)
        if kind == 10:  # a tuple
            for _ in range(self.number()):
                self.constant()
        elif kind > 4:  # bytes and text end with a zero, numbers do not
            self.take(self.number() + (kind <= 6))
        return kind == 0

    def code(self) -> list[bytes]:
        """The machine code of what is viper, in order; nothing of bytecode."""
        head = self.number()
        found = [self.take(head >> 3)]
        if head & 3 != _BYTECODE:
            assert head & 3 == _VIPER and not self.number() & _RELOCATED
        else:
            found = [b""]
        if head & _CHILDREN:
            found += [code for _ in range(self.number()) for code in self.code()]
        return found


class Kernels:
    """The kernels of a viper module for `architecture`; `instructions` counts those of all calls."""

    def __init__(self, mpy: bytes, text: str, architecture: str) -> None:
        core, machine = CORES[architecture]
        reader = _Reader(mpy)
        names, objects = reader.number(), reader.number()
        self._names = [reader.name() for _ in range(names)]
        self._objects = [_TABLE if reader.constant() else 0 for _ in range(objects)]
        defined = ["", *re.findall(r"^def (\w+)", text, re.M)]
        codes = reader.code()
        assert reader.at == len(mpy) and len(codes) == len(defined)
        self._thumb = int(machine == "EM_ARM")
        self._uc, self._registers, _ = new_cpu(core)
        self._registers |= _registers(bool(self._thumb))
        self._values: list[int] = []
        self._globals: dict[str, int] = {}
        self._heap = _HEAP
        self._load(dict(zip(defined, codes)))

    @property
    def instructions(self) -> int:
        """Those of the kernels' own code."""
        return self._counter.count

    def put(self, content: bytes, offset: int = 0) -> int:
        """A new buffer's address, `offset` bytes after a multiple of 16."""
        address = self._heap + offset
        self._heap += (len(content) + offset + 31) // 16 * 16
        self._uc.mem_write(address, content)
        return address

    def read(self, address: int, size: int) -> bytes:
        """What lies there."""
        return bytes(self._uc.mem_read(address, size))

    def write(self, address: int, content: bytes) -> None:
        """Puts bytes there."""
        self._uc.mem_write(address, content)

    def call(self, found: Call, arena: int) -> None:
        """Runs a kernel; the other operand lies at an odd address, the words at a multiple of 4 alone."""
        before = self._heap
        other = arena if found.other is None else self.put(found.other, 1)
        self.call_at(found.kernel, arena, other, self.put(found.words, 4))
        self._heap = before

    def call_at(self, kernel: str, first: int, second: int, words: int) -> None:
        """The same with its operands put already."""
        self._values = [first, second, self._row if kernel == "conv2d" else 0, words]
        handles = (_HANDLES + i for i in range(4))
        self._uc.mem_write(_ARGUMENTS, struct.pack("<4I", *handles))
        self._set(a0=_FUNCTION, a1=4, a2=0, a3=_ARGUMENTS, sp=_STACK + _STACK_BYTES - 64, ra=_END | self._thumb)
        self._counter.start()
        self._uc.emu_start(self._starts[f"_{kernel}"] | self._thumb, _END)

    def _load(self, codes: dict[str, bytes]) -> None:
        import unicorn

        uc, read, write = self._uc, unicorn.UC_PROT_READ, unicorn.UC_PROT_WRITE
        size = sum(len(code) + 16 for code in codes.values())
        uc.mem_map(_CODE, -(-size // _PAGE) * _PAGE, read | unicorn.UC_PROT_EXEC)
        uc.mem_map(_HEAP, 1 << 24, read | write)
        uc.mem_map(_STACK, _STACK_BYTES + _PAGE, read | write)
        uc.mem_map(_ENTRIES, _PAGE, read | unicorn.UC_PROT_EXEC)
        self._starts, at = {}, _CODE
        for name, code in codes.items():
            uc.mem_write(at, code)
            self._starts[name] = at
            at += -(-len(code) // 16) * 16
        entries = (_ENTRIES + 4 * i | self._thumb for i in range(_COUNT))
        uc.mem_write(_TABLE, struct.pack(f"<{_COUNT}I", *entries))
        names = self.put(struct.pack(f"<{len(self._names)}H", *range(len(self._names))))
        constants = self.put(struct.pack(f"<{len(self._objects)}I", *self._objects))
        uc.mem_write(_CONTEXT, struct.pack("<4I", 0, 0, names, constants))
        uc.mem_write(_FUNCTION, struct.pack("<2I", 0, _CONTEXT))
        self._row = self.put(bytes(1 << 16))
        self._counter = BlockCounter(uc, bool(self._thumb), (_CODE, size), "")
        uc.hook_add(unicorn.UC_HOOK_CODE, self._called, begin=_ENTRIES, end=_END - 4)

    def _set(self, **values: int) -> None:
        for name, value in values.items():
            self._uc.reg_write(self._registers[name], value & 0xFFFFFFFF)

    def _called(self, uc: Any, address: int, *_: Any) -> None:
        known: dict[int, Callable[[int, int], int]] = {3: self._from_object, 46: _floor_divided}
        entry = (address - _ENTRIES) // 4
        a, b = (uc.reg_read(self._registers[name]) for name in ("a0", "a1"))
        self._set(a0=known[entry](a, b), pc=uc.reg_read(self._registers["ra"]))

    def _from_object(self, handle: int, _kind: int) -> int:
        return self._values[handle - _HANDLES]


def _floor_divided(a: int, b: int) -> int:
    a, b = ((n ^ 1 << 31) - (1 << 31) for n in (a, b))
    return a // b


def _registers(is_arm: bool) -> dict[str, int]:
    if is_arm:
        from unicorn import arm_const as arm

        return {"a2": arm.UC_ARM_REG_R2, "a3": arm.UC_ARM_REG_R3, "sp": arm.UC_ARM_REG_SP, "ra": arm.UC_ARM_REG_LR}
    from unicorn import riscv_const as rv

    return {"a2": rv.UC_RISCV_REG_A2, "a3": rv.UC_RISCV_REG_A3, "sp": rv.UC_RISCV_REG_SP, "ra": rv.UC_RISCV_REG_RA}
