"""Counts the instructions that unicorn executes, block by block: in Python, or faster in a compiled library."""

from __future__ import annotations

import ctypes
from typing import Any


def instructions_in(code: bytes, arm: bool) -> int:
    """How many instructions a block holds: Thumb's first half-word, or RISC-V's two lowest bits, tell the length."""
    count = at = 0
    while at < len(code):
        half = int.from_bytes(code[at : at + 2], "little")
        wide = half >> 11 in (0b11101, 0b11110, 0b11111) if arm else half & 3 == 3
        at += 4 if wide else 2
        count += 1
    return count


class _State(ctypes.Structure):
    _fields_ = [(name, ctypes.c_uint64) for name in ("code", "start", "bytes", "count", "thumb")]


class BlockCounter:
    """Counts from `start` to `stop`, any number of times. What an IT block skips counts, as in QEMU.

    `library` is firmware/platform/count_blocks.c compiled for this machine; without it, or where this unicorn does not
    take a C function as a hook, the hook is Python's.
    """

    def __init__(self, uc: Any, arm: bool, flash: tuple[int, int], library: str) -> None:
        self._uc, self._arm, self._flash = uc, arm, flash
        self._counted = 0
        self._lengths: dict[int, int] = {}
        self._hook: Any = None
        self._compiled: Any = None
        self._state = _State(start=flash[0], bytes=flash[1], thumb=arm)
        try:
            from unicorn.unicorn_py3.unicorn import uclib

            if library and hasattr(uc, "_uch"):
                self._library, self._compiled = ctypes.CDLL(library), uclib
        except (ImportError, OSError):
            self._compiled = None

    @property
    def compiled(self) -> bool:
        """Whether the compiled library counts."""
        return self._compiled is not None

    @property
    def count(self) -> int:
        """Instructions so far."""
        return self._counted + int(self._state.count)

    def start(self) -> None:
        """Hooks every block from now on; nothing where they are hooked already."""
        import unicorn

        if self._hook is not None:
            return
        self._uc.ctl_flush_tb()
        if self._compiled is None:
            self._hook = self._uc.hook_add(unicorn.UC_HOOK_BLOCK, self._on_block)
            return
        self._code = ctypes.create_string_buffer(bytes(self._uc.mem_read(*self._flash)), self._flash[1])
        self._state.code = ctypes.addressof(self._code)
        self._hook = ctypes.c_size_t()
        function = ctypes.cast(self._library.tg_count_block, ctypes.c_void_p)
        state = ctypes.c_void_p(ctypes.addressof(self._state))
        always = (ctypes.c_uint64(1), ctypes.c_uint64(0))
        hook = (ctypes.byref(self._hook), unicorn.UC_HOOK_BLOCK, function, state, *always)
        code = self._compiled.uc_hook_add(self._uc._uch, *hook)
        if code != unicorn.UC_ERR_OK:
            raise unicorn.UcError(code)

    def stop(self) -> None:
        """Takes the hook away, so that the program runs at full speed."""
        if self._hook is None:
            return
        if self._compiled is None:
            self._uc.hook_del(self._hook)
        else:
            self._compiled.uc_hook_del(self._uc._uch, self._hook)
        self._uc.ctl_flush_tb()
        self._hook = None

    def _on_block(self, _uc: Any, address: int, size: int, _data: Any) -> None:
        key = address << 16 | size
        length = self._lengths.get(key)
        if length is None:
            length = self._lengths[key] = instructions_in(bytes(self._uc.mem_read(address, size)), self._arm)
        self._counted += length
