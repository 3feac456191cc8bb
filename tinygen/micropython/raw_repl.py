"""MicroPython's raw REPL on a program's standard input and output: code goes in, what it prints comes back."""

from __future__ import annotations

import contextlib
import os
import selectors
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType

from ..errors import BadInput, MissingTool

_INTERRUPT, _RAW, _END = b"\r\x03\x03", b"\r\x01", b"\x04"
_PROMPT = b"raw REPL; CTRL-B to exit\r\n>"
#: A program that prints more than this between two prompts is none of ours.
MAX_ANSWER = 1 << 22


@dataclass(frozen=True)
class Answer:
    """What the code printed, and the traceback of the exception that ended it."""

    printed: str
    traceback: str

    @property
    def exception(self) -> str:
        """The last line of the traceback: "ValueError: incompatible .mpy file"."""
        lines = self.traceback.split("\n")
        return next((line.strip() for line in reversed(lines) if line.strip()), "")


class RawRepl:
    """A started program, ended at the end of the `with` block. All calls together have `timeout_s`.

    Raises MissingTool where it cannot be started; BadInput where it does not speak as the raw REPL does, ends, or is
    silent until the time is up.
    """

    def __init__(self, command: Sequence[str], *, timeout_s: float, name: str) -> None:
        self._name, self._timeout_s = name, timeout_s
        self._deadline = time.monotonic() + timeout_s
        try:
            self._process = subprocess.Popen(
                list(command), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, bufsize=0
            )
        except OSError as error:
            raise MissingTool(f"{command[0]}: cannot be started: {error.strerror}.") from None
        assert self._process.stdin is not None and self._process.stdout is not None
        self._in, self._out = self._process.stdin.fileno(), self._process.stdout.fileno()
        os.set_blocking(self._in, False)
        self._held = b""

    def __enter__(self) -> RawRepl:
        try:
            self._send(_INTERRUPT + _RAW)
            self._until(_PROMPT, "the raw REPL's prompt")
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._end()

    def execute(self, code: str) -> Answer:
        """Runs the code, ASCII, to its end."""
        self._send(code.encode("ascii") + _END)
        self._until(b"OK", "OK")
        printed = self._until(_END, "the end of what was printed")
        traceback = self._until(_END, "the end of the traceback")
        self._until(b">", "the prompt")
        return Answer(*(part.decode("utf-8", "replace").replace("\r\n", "\n") for part in (printed, traceback)))

    def _end(self) -> None:
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                stream.close()

    def _send(self, data: bytes) -> None:
        """Writes all, while the program may be slow to read: what it says meanwhile is kept."""
        while data:
            if self._ready(selectors.EVENT_WRITE, "to read its input"):
                try:
                    data = data[os.write(self._in, data[:4096]) :]
                except BlockingIOError:
                    continue
                except BrokenPipeError:
                    self._ended()

    def _until(self, mark: bytes, what: str) -> bytes:
        """What comes before the mark."""
        searched = 0
        while (at := self._held.find(mark, searched)) < 0:
            searched = max(0, len(self._held) - len(mark) + 1)
            if len(self._held) > MAX_ANSWER:
                raise BadInput(f"{self._name}: {MAX_ANSWER} bytes without {what}: this is no MicroPython.")
            self._ready(selectors.EVENT_READ, f"to say {what}")
        found, self._held = self._held[:at], self._held[at + len(mark) :]
        return found

    def _ready(self, wanted: int, what: str) -> bool:
        """Waits until the program can be written to or has been read from; whether the former."""
        with selectors.DefaultSelector() as selector:
            selector.register(self._out, selectors.EVENT_READ)
            if wanted == selectors.EVENT_WRITE:
                selector.register(self._in, selectors.EVENT_WRITE)
            events = selector.select(max(0.0, self._deadline - time.monotonic()))
        if not events:
            said = f", it said {self._tail()!r}" if self._held else ""
            raise BadInput(f"{self._name}: had {self._timeout_s:g} s {what}{said}.")
        if any(key.fd == self._out for key, _ in events):
            read = os.read(self._out, 65536)
            self._held += read
            if not read:
                self._ended()
        return any(key.fd == self._in for key, _ in events)

    def _ended(self) -> None:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(1)
        self._process.kill()  # it may have closed its output alone
        code = self._process.wait()
        said = f", its last words {self._tail()!r}" if self._held else ""
        raise BadInput(f"{self._name}: ended with code {code}{said}.")

    def _tail(self) -> str:
        return self._held[-200:].decode("utf-8", "replace").strip()
