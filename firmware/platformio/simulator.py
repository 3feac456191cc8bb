"""Runs the program that `pio run -e sim` builds, in QEMU or on this machine, and compares what comes out.

Stands alone: PlatformIO's Python imports it, and tinygen need not be installed. sim/harness.c is the other side of the
request and of the response; test/test_model/vectors.json holds the inputs and what the reference made of them.
"""

import base64
import json
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import zlib
from collections import namedtuple
from pathlib import Path

TIMEOUT_S = 600
CONSTANTS = "constants in flash as rendered"
DAMAGED = "no, their CRC-32 is another"
_MAGIC = b"TGRQ"
_END, _RESET, _INPUT, _INVOKE, _OUTPUT, _CHECK = 0, 1, 2, 3, 5, 8
_FORMATS = {"int8": "b", "uint8": "B", "bool": "?", "int16": "h", "int32": "i", "int64": "q", "float32": "f"}
_SHOWN = 16


class SimulatorError(Exception):
    """What keeps a program from running to its end, in one line."""


Outcome = namedtuple("Outcome", "machine outputs stack intact")


class Machine:
    """Where programs run: QEMU's machine for the core where there is one and QEMU is installed, else this machine."""

    def __init__(self, build):
        wanted = build["machine"]
        self.command = []
        if wanted is None:
            self.name = f"this machine, since no simulator here runs {build['core']}"
        elif shutil.which(wanted["program"]) is None:
            self.name = f"this machine, since {wanted['program']} is not installed"
        else:
            self.command = [wanted["program"], *wanted["arguments"]]
            self.name = f"QEMU's {wanted['name']}, {build['core']} code"


def load_vectors(project):
    """test/test_model/vectors.json of a project. Raises SimulatorError where it is not readable."""
    path = Path(project) / "test" / "test_model" / "vectors.json"
    try:
        told = json.loads(path.read_text("utf-8"))
        for vector in told["vectors"]:
            for key in ("input", "output"):
                vector[key] = None if vector[key] is None else base64.b64decode(vector[key], validate=True)
            vector["input"] = ramp(told["inputs"]) if vector["input"] is None else vector["input"]
            if len(vector["input"]) != sum(tensor["bytes"] for tensor in told["inputs"]):
                raise ValueError(f"{vector['name']} has not the bytes of the model's inputs")
        return told
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise SimulatorError(f"{path}: not readable: {error}. `tinygen generate` writes it anew.") from error


def ramp(inputs):
    """x[i] = ((37 i + 11) mod 256) - 128 over all elements of all inputs; wider types take multiples of it."""
    out, at = [], 0
    for tensor in inputs:
        code = _FORMATS[tensor["dtype"]]
        count = tensor["bytes"] // struct.calcsize("<" + code)
        values = [(37 * i + 11) % 256 - 128 for i in range(at, at + count)]
        at += count
        wide = {"B": lambda v: v & 255, "?": lambda v: v & 1, "h": lambda v: v * 256, "f": lambda v: v / 128}
        out.append(struct.pack(f"<{count}{code}", *map(wide.get(code, int), values)))
    return b"".join(out)


def run(project, build, elf, samples):
    """What came out of every sample, run in order from a reset state, and whether the constants are as rendered.

    Raises SimulatorError where the program faults, does not end or cannot be run.
    """
    machine = Machine(build)
    words = [_MAGIC, bytes(12), _word(_CHECK), _word(_RESET)]
    for sample in samples:
        words += [_word(_INPUT), sample, _word(_INVOKE), _word(_OUTPUT)]
    with tempfile.TemporaryDirectory(prefix="tinygen-sim-") as name:
        folder = Path(name)
        (folder / "request.bin").write_bytes(b"".join([*words, _word(_END)]))
        if machine.command:
            command = [*machine.command, "-kernel", str(elf)]
        else:
            command = [str(elf if build["machine"] is None else _native(Path(project), folder))]
        code, said = _execute(command, folder)
        written = folder / "response.bin"
        outputs, stack, intact, ended, fault = _decode(written.read_bytes() if written.is_file() else b"")
    if fault or not ended or code != 0:
        last = next((line for line in reversed(said.splitlines()) if line.strip()), "no message")
        raise SimulatorError(
            f"the program on {machine.name}: {fault or f'ended with code {code}: {last[:200]}'}, "
            f"after {len(outputs)} of {len(samples)} inferences."
        )
    return Outcome(machine, outputs, stack, intact)


def host_compiler():
    """The command of a C compiler for this machine; SimulatorError where there is none."""
    for name in (os.environ.get("CC"), "cc", "gcc", "clang"):
        if name and shutil.which(name):
            return [name]
    try:
        import ziglang  # noqa: F401

        return [sys.executable, "-m", "ziglang", "cc", "-fno-sanitize=undefined"]
    except ImportError:
        if shutil.which("zig"):
            return ["zig", "cc", "-fno-sanitize=undefined"]
    raise SimulatorError("no C compiler for this machine: install gcc, or `pip install ziglang`.")


def compare(vector, output):
    """What is wrong with an output, in a line; empty where it is as expected."""
    expected = vector["output"]
    if output == expected:
        return ""
    if len(output) != len(expected):
        return f"{len(output)} bytes came out, {len(expected)} are expected"
    at = next(i for i, (a, b) in enumerate(zip(output, expected)) if a != b)
    wrong = sum(a != b for a, b in zip(output, expected))
    return (
        f"{wrong} of {len(expected)} bytes differ, the first at {at}: {output[at]:#04x}, expected {expected[at]:#04x}"
    )


def describe(output, tensors):
    """The CRC-32 and the first values of an output, a tensor a line."""
    lines, at = [f"output crc32 {zlib.crc32(output):08x}"], 0
    for index, tensor in enumerate(tensors):
        code = _FORMATS[tensor["dtype"]]
        values = [v[0] for v in struct.iter_unpack("<" + code, output[at : at + tensor["bytes"]])]
        at += tensor["bytes"]
        more = f" and {len(values) - _SHOWN} more" if len(values) > _SHOWN else ""
        shown = (f"{v:g}" if code == "f" else str(int(v)) for v in values[:_SHOWN])
        lines.append(f"  output {index}: {' '.join(shown)}{more}")
    return lines


def report(project, build, elf):
    """Runs every vector and prints what came out: what an upload to the simulator shows. Whether all was well."""
    try:
        told = load_vectors(project)
        outcome = run(project, build, elf, [v["input"] for v in told["vectors"]])
    except SimulatorError as error:
        sys.stderr.write(f"Error: {error}\n")
        return False
    used = "" if outcome.stack is None else f", {outcome.stack} bytes of stack"
    print(f"{told['model']} on {outcome.machine.name}{used}")
    print(CONSTANTS if outcome.intact else f"{CONSTANTS}: {DAMAGED}")
    good = outcome.intact
    for vector, output in zip(told["vectors"], outcome.outputs):
        wrong = "" if vector["output"] is None else compare(vector, output)
        good = good and not wrong
        judged = "" if vector["output"] is None else f", {wrong or 'as the reference has it'}"
        first, *lines = describe(output, told["outputs"])
        print(f"{vector['name']}: {first}{judged}", *lines, sep="\n")
    return good


def _native(project, folder):
    """The same program compiled for this machine."""
    names = [path for path in (project / "lib").glob("*/src") if (path / "tg.h").is_file()]
    sources = [*(c for src in names for c in sorted(src.glob("*.c"))), *(project / "sim" / n for n in _HOST)]
    includes = [f"-I{path}" for path in (*names, project / "sim")]
    program = folder / "program"
    command = [*host_compiler(), "-std=c99", "-O2", "-DTG_SIM_CHECK", *includes, *map(str, sources)]
    command += ["-o", str(program), "-lm"]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=TIMEOUT_S)
    if done.returncode != 0:
        raise SimulatorError(f"it does not compile for this machine: {(done.stderr.splitlines() or ['?'])[0]}")
    return program


_HOST = ("harness.c", "native.c")


def _execute(command, folder):
    try:
        done = subprocess.run(
            command, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            timeout=TIMEOUT_S,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise SimulatorError(f"no end after {TIMEOUT_S} s.") from None
    except OSError as error:
        raise SimulatorError(f"{command[0]} does not start: {error}.") from error
    return done.returncode, done.stdout.decode("utf-8", "replace")


def _decode(data):
    """(outputs, deepest stack or None, whether constants are intact, whether the end came, what went wrong)."""
    outputs, stack, intact, ended, fault, at = [], None, False, False, "", 0
    while at + 8 <= len(data):
        tag, size = struct.unpack_from("<II", data, at)
        payload = data[at + 8 : at + 8 + size]
        at += 8 + size
        if len(payload) < size:
            break
        kind = chr(tag & 0xFF)
        if kind == "O" and not fault:
            outputs.append(payload)
        elif kind == "K":
            used = struct.unpack("<I", payload)[0]
            stack = None if used == 0xFFFFFFFF else max(stack or 0, used)
            fault = fault or ("the stack overflowed" if used == 0xFFFFFFFE else "")
        elif kind == "W":
            intact = payload == bytes(4)
        elif kind == "S":
            status, *layer = struct.unpack(f"<{size // 4}i", payload)
            fault = fault or f"invoke returned {status}" + (f" in layer {layer[0]}" if layer else "")
        elif kind == "F":
            cause, pc = struct.unpack_from("<2I", payload)
            fault = fault or f"fault {cause} at {pc:#010x}"
        ended = ended or kind == "E"
    return outputs, stack, intact, ended, fault


def _word(value):
    return struct.pack("<I", value)
