"""A board as a program of this machine behind a pseudo-terminal, with a line between that can lose, change and add."""

from __future__ import annotations

import contextlib
import os
import random
import select
import signal
import subprocess
import threading
import time
import tty
from collections.abc import Callable
from pathlib import Path

from tinygen.backends.application import APP_FILES
from tinygen.resources import data_dir

HERE = Path(__file__).resolve().parent
FLAGS = ["-std=gnu99", "-Wall", "-Wextra", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
#: A line ("…\n" or what came of it) to what really goes over the wire.
Mangle = Callable[[bytes], bytes]


def build_device(folder: Path, project: Path, *defines: str) -> Path:
    """The toy's project with the serial application as a program of this machine, under the sanitizers."""
    firmware = data_dir("firmware")
    includes = [firmware / "app", firmware / "runtime", project / "lib" / "toy" / "src"]
    sources = [firmware / "app" / name for name in APP_FILES if name.endswith(".c")]
    port = folder / "port.c"
    text = (firmware / "app" / "tg_port_stdio.c").read_text()
    port.write_text(text.replace("int tg_port_read(void)", "int tg_board_read(void);\nint tg_board_read(void)"))
    sources += [port, HERE / "device" / "host_device.c"]
    sources += sorted((project / "lib" / "toy" / "src").glob("*.c"))
    target = folder / "device"
    command = ["cc", *FLAGS, *defines, *(f"-I{i}" for i in includes), *map(str, sources), "-o", str(target)]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    return target


def split(data: bytes) -> tuple[list[bytes], bytes]:
    """(whole lines, what follows them); a flood without an end of line is passed on as it comes."""
    end = data.rfind(b"\n") + 1
    if not end and len(data) > 2048:
        end = len(data)
    return data[:end].splitlines(keepends=True), data[end:]


def clean(line: bytes) -> bytes:
    """A line as it should be."""
    return line


class Bench:
    """A pseudo-terminal at `path` and the program behind it, which is started again where it ends, as a board is."""

    def __init__(self, program: list[str], *, to_device: Mangle = clean, to_host: Mangle = clean, starts: int = 100,
                 environment: list[dict[str, str]] | None = None, boot_s: float = 0.0) -> None:  # fmt: skip
        self._program, self._starts, self._boot_s = program, starts, boot_s
        self._to_device, self._to_host = to_device, to_host
        self._environment = environment or []
        self.started = 0
        self.faults: list[str] = []
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)
        self.path = os.ttyname(self._slave)
        self._stop = threading.Event()
        self._start()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Bench:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(10)
        self.vanish()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._device.pid, signal.SIGKILL)
        self._device.wait()
        assert self._device.stderr is not None
        said = self._device.stderr.read().decode()
        assert "Sanitizer" not in said and "runtime error" not in said, said

    def vanish(self) -> None:
        """The port goes away, as where a cable is pulled."""
        self._stop.set()
        for fd in (self._master, self._slave):
            with contextlib.suppress(OSError):
                os.close(fd)
        self._master = self._slave = -1

    def _start(self) -> None:
        more = self._environment[self.started] if self.started < len(self._environment) else {}
        self._device = subprocess.Popen(
            self._program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env={**os.environ, **more}, bufsize=0, start_new_session=True,
        )  # fmt: skip
        self.started += 1
        time.sleep(self._boot_s)

    def _run(self) -> None:
        pending = {"host": b"", "device": b""}
        while not self._stop.is_set():
            assert self._device.stdout is not None and self._device.stdin is not None
            try:
                ready, _, _ = select.select([self._master, self._device.stdout], [], [], 0.05)
                if self._master in ready:
                    lines, pending["device"] = split(pending["device"] + os.read(self._master, 4096))
                    self._device.stdin.write(b"".join(map(self._to_device, lines)))
                if self._device.stdout in ready:
                    new = os.read(self._device.stdout.fileno(), 4096)
                    if not new and not self._again():
                        return
                    lines, pending["host"] = split(pending["host"] + new)
                    self._say(b"".join(map(self._to_host, lines)))
            except (OSError, ValueError):
                if self._stop.is_set() or self._device.poll() is None:
                    return
                self._again()

    def _say(self, data: bytes) -> None:
        """To the host, which may not read."""
        while data and not self._stop.is_set():
            if select.select([], [self._master], [], 0.05)[1]:
                data = data[os.write(self._master, data) :]

    def _again(self) -> bool:
        self._device.wait()
        assert self._device.stderr is not None
        said = self._device.stderr.read().decode()
        if "Sanitizer" in said or "runtime error" in said:
            self.faults.append(said)
        if self.started >= self._starts:
            return False
        self._start()
        return True


class Faults:
    """A seeded line that now and then does one of the `kinds` to a frame; `done` counts what it did."""

    def __init__(self, seed: int, kinds: list[str], share: float = 0.25, least: int = 0) -> None:
        self._random = random.Random(seed)
        self._kinds, self._share = kinds, share
        self._spare = least
        self.done = 0

    def __call__(self, line: bytes) -> bytes:
        if self._spare:
            self._spare -= 1
            return line
        if self._random.random() >= self._share:
            return line
        self.done += 1
        return getattr(self, self._random.choice(self._kinds))(line)

    def lost_bytes(self, line: bytes) -> bytes:
        keep = [b for b in line if self._random.random() > 0.05]
        at = self._random.randrange(len(line))
        return bytes(keep) if len(keep) < len(line) else line[:at] + line[at + 1 :]

    def lost_frame(self, line: bytes) -> bytes:
        return b""

    def repeated(self, line: bytes) -> bytes:
        return line * self._random.choice((2, 3))

    def corrupted(self, line: bytes) -> bytes:
        at = self._random.randrange(len(line))
        return line[:at] + bytes([line[at] ^ 1 << self._random.randrange(8)]) + line[at + 1 :]

    def truncated(self, line: bytes) -> bytes:
        return line[: self._random.randrange(len(line))]

    def chatter(self, line: bytes) -> bytes:
        said = self._random.choice(
            (b"I (123) wifi: state: run\r\n", b"~~~\n", b"\x00\xff\xfe~AAAA", b"ets Jun  8 2016\n")
        )
        at = self._random.choice((0, len(line), self._random.randrange(len(line))))
        return line[:at] + said + line[at:]
