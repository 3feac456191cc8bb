"""The host's side of semihosting, for simulators that bring none: files in one folder, the clock, the exit."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

_OPEN, _WRITE, _READ, _EXIT_EXTENDED, _ELAPSED = 0x01, 0x05, 0x06, 0x20, 0x30
_FILES = {b"request.bin": "rb", b"response.bin": "wb"}
_FAILED = 0xFFFFFFFF


class Host:
    """Serves the calls that the harness makes; a program can open the request and the response, and no other file."""

    def __init__(
        self,
        folder: Path,
        read: Callable[[int, int], bytes],
        write: Callable[[int, bytes], None],
        elapsed: Callable[[], int],
    ) -> None:
        self._folder, self._read, self._write, self._elapsed = folder, read, write, elapsed
        self._files: list[BinaryIO] = []
        self.exit_code: int | None = None

    @staticmethod
    def reads_request(operation: int) -> bool:
        """Whether a call reads the request's next command or input."""
        return operation == _READ

    def call(self, operation: int, block: int) -> int:
        """Serves one call whose arguments lie at `block`; what the register for the result gets."""
        if operation == _OPEN:
            name, _, length = self._words(block, 3)
            return self._open(self._read(name, min(length, 64)))
        if operation == _READ:
            handle, to, size = self._words(block, 3)
            data = self._files[handle].read(size)
            self._write(to, data)
            return size - len(data)
        if operation == _WRITE:
            handle, start, size = self._words(block, 3)
            self._files[handle].write(self._read(start, size))
            return 0
        if operation == _ELAPSED:
            self._write(block, struct.pack("<Q", self._elapsed()))
            return 0
        if operation == _EXIT_EXTENDED:
            self.exit_code = self._words(block, 2)[1]
            for file in self._files:
                file.close()
            return 0
        return _FAILED

    def _open(self, name: bytes) -> int:
        mode = _FILES.get(name)
        if mode is None:
            return _FAILED
        file = open(self._folder / name.decode("ascii"), mode, buffering=0 if mode == "wb" else -1)  # noqa: SIM115
        self._files.append(file)  # type: ignore[arg-type]
        return len(self._files) - 1

    def _words(self, address: int, count: int) -> tuple[int, ...]:
        return struct.unpack(f"<{count}I", self._read(address, 4 * count))
