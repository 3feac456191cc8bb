"""Loads native modules in a MicroPython built for QEMU and holds their outputs to the reference's.

Usage: python bench/micropython_firmware.py FIRMWARE ARCHITECTURE MODEL…
       (FIRMWARE is MicroPython's ports/qemu/build-BOARD/firmware.elf of a board that ARCHITECTURE's modules run on)
"""

from __future__ import annotations

import base64
import os
import select
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from tinygen.boards import load_board
from tinygen.compiled import compile_model, open_model
from tinygen.micropython.module import module_source
from tinygen.micropython.native import build_native
from tinygen.simulate.reference import reference

MACHINES = {
    "armv6m": ("qemu-system-arm", "-machine", "microbit", "-global", "nrf51-soc.flash-size=1048576",
               "-global", "nrf51-soc.sram-size=262144"),
    "armv7m": ("qemu-system-arm", "-machine", "mps2-an385"),
    "armv7emsp": ("qemu-system-arm", "-machine", "mps2-an500"),
    "armv7emdp": ("qemu-system-arm", "-machine", "mps2-an500"),
    "rv32imc": ("qemu-system-riscv32", "-bios", "none", "-machine", "virt"),
}  # fmt: skip
BOARDS = {"rv32imc": "qemu_riscv32", "armv7m": "qemu_mps2_an385", "armv6m": "qemu_m0plus"}
CHUNK, TIMEOUT_S = 192, 120.0


class Repl:
    """MicroPython's raw REPL on QEMU's serial port."""

    def __init__(self, firmware: str, architecture: str) -> None:
        command = [*MACHINES[architecture], "-nographic", "-monitor", "null", "-semihosting", "-serial", "stdio"]
        self.process = subprocess.Popen(
            [*command, "-kernel", firmware], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        self.seen = b""
        self.until(b">>> ")
        self.send(b"\x01")
        self.until(b"exit\r\n>")

    def send(self, text: bytes) -> None:
        assert self.process.stdin is not None
        for at in range(0, len(text), 64):  # no faster than the port takes them
            self.process.stdin.write(text[at : at + 64])
            self.process.stdin.flush()
            time.sleep(0.002)

    def until(self, mark: bytes) -> bytes:
        assert self.process.stdout is not None
        end = time.monotonic() + TIMEOUT_S
        while mark not in self.seen:
            if not select.select([self.process.stdout], [], [], max(0.0, end - time.monotonic()))[0]:
                sys.exit(f"MicroPython says nothing for {TIMEOUT_S:g} s after {self.seen[-200:]!r}")
            more = os.read(self.process.stdout.fileno(), 4096)
            if not more:
                sys.exit(f"QEMU ended: {self.seen[-200:]!r}")
            self.seen += more
        text, self.seen = self.seen.split(mark, 1)
        return text

    def run(self, code: str) -> str:
        """What the code prints; ends where it raises."""
        self.send(code.encode() + b"\x04")
        self.until(b"OK")
        printed, error = self.until(b"\x04"), self.until(b"\x04")
        self.until(b">")
        if error:
            sys.exit(error.decode())
        return printed.decode()


def outputs(firmware: str, architecture: str, module: bytes, samples: list[bytes]) -> tuple[str, list[bytes]]:
    """(MicroPython's version, the module's outputs)"""
    repl = Repl(firmware, architecture)
    try:
        repl.run(Path(__file__).with_name("micropython_import.py").read_text())
        for at in range(0, len(module), CHUNK):
            repl.run(f"more('{base64.b64encode(module[at : at + CHUNK]).decode()}')")
        repl.run("load()")
        found = [repl.run(f"run('{base64.b64encode(sample).decode()}')") for sample in samples]
        return repl.run("print(sys.version)").strip(), [bytes.fromhex(text.strip()) for text in found]
    finally:
        repl.process.kill()
        repl.process.wait()


def main() -> None:
    firmware, architecture = sys.argv[1:3]
    for path in map(Path, sys.argv[3:]):
        model = open_model(path)
        compiled = compile_model(model, load_board(BOARDS.get(architecture, "qemu_mps2_an386")))
        source = module_source(compiled.graph, compiled.layers, compiled.plan, model.info)
        with tempfile.TemporaryDirectory(prefix="tinygen-") as work:
            (Path(work) / "model.tflite").write_bytes(model.tflite)
            draw = np.random.default_rng(1)
            samples = [draw.integers(-128, 128, source.input_bytes, "int8").tobytes() for _ in range(3)]
            wanted = list(reference(Path(work) / "model.tflite", samples, timeout_s=300).outputs)
        module = build_native(source, architecture).data
        version, found = outputs(firmware, architecture, module, samples)
        print(path.stem, architecture, version, "equal" if found == wanted else "DIFFERENT", flush=True)


if __name__ == "__main__":
    main()
