"""TensorFlow Lite Micro's reference kernels in a child process: its checks abort, and that too is an answer."""

from __future__ import annotations

import os
import pickle
import selectors
import signal
import struct
import subprocess
import sys
from contextlib import suppress
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

Arrays = list[npt.NDArray[Any]]


class Oracle:
    """Runs models; a model that the reference refuses or dies of gives None."""

    def __init__(self, timeout_s: float = 60.0) -> None:
        self._timeout_s = timeout_s
        self._child: subprocess.Popen[bytes] | None = None

    def run(self, model: bytes, samples: list[Arrays], outputs: int = 1) -> list[Arrays] | None:
        """The outputs of each sample (a sample is an array for each input)."""
        child = self._start()
        assert child.stdin and child.stdout
        try:
            _send(child.stdin, (model, samples, outputs))
            with selectors.DefaultSelector() as waiting:
                waiting.register(child.stdout, selectors.EVENT_READ)
                if not waiting.select(self._timeout_s):
                    raise TimeoutError(f"the reference took more than {self._timeout_s} s")
            answer = _receive(child.stdout)
        except (EOFError, BrokenPipeError):
            self.close()
            return None
        return answer  # type: ignore[no-any-return]

    def _start(self) -> subprocess.Popen[bytes]:
        if self._child is None or self._child.poll() is not None:
            self._child = subprocess.Popen(
                [sys.executable, __file__],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                bufsize=0,
                start_new_session=True,
            )
        return self._child

    def close(self) -> None:
        """Ends the child and its own."""
        if self._child is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._child.pid, signal.SIGKILL)
            self._child.wait(10)
            for pipe in (self._child.stdin, self._child.stdout):
                if pipe:
                    pipe.close()
            self._child = None


def _send(pipe: BinaryIO | Any, value: object) -> None:
    data = pickle.dumps(value)
    pipe.write(struct.pack("<I", len(data)) + data)
    pipe.flush()


def _exactly(pipe: Any, count: int) -> bytes:
    data = b""
    while len(data) < count:
        part = pipe.read(count - len(data))
        if not part:
            raise EOFError
        data += part
    return data


def _receive(pipe: Any) -> Any:
    return pickle.loads(_exactly(pipe, struct.unpack("<I", _exactly(pipe, 4))[0]))


def _serve() -> None:
    """The child: a process of its own runs the models until one of them ends it; the next is there at once.

    The pipe of answers is kept apart from whatever the reference prints.
    """
    answers = os.fdopen(os.dup(1), "wb", 0)
    os.dup2(2, 1)
    from tflite_micro.python.tflite_micro import runtime

    while (process := os.fork()) and os.waitpid(process, 0)[1]:
        _send(answers, None)
    if not process:
        _answer(runtime, answers)


def _answer(runtime: Any, answers: BinaryIO) -> None:
    while True:
        try:
            model, samples, outputs = _receive(sys.stdin.buffer)
        except EOFError:
            return
        try:
            _send(answers, _infer(runtime, model, samples, outputs))
        except Exception:
            _send(answers, None)


def _infer(runtime: Any, model: bytes, samples: list[Arrays], outputs: int) -> list[Arrays]:
    interpreter = runtime.Interpreter.from_bytes(model, arena_size=1 << 20)
    results = []
    for sample in samples:
        for i, x in enumerate(sample):
            interpreter.set_input(x, i)
        interpreter.invoke()
        results.append([np.array(interpreter.get_output(i)) for i in range(outputs)])
    return results


if __name__ == "__main__":
    _serve()
