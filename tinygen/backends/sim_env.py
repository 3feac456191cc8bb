"""The environment `sim` of a rendered PlatformIO project: its platform, its test vectors, and what its comments say."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import Any

from ..boards import BoardProfile
from ..project import Manifest, TensorRecord
from ..resources import data_dir
from .platformio_cores import machine_board, sim_board
from .sim_support import FAULT_STACK_BYTES, stack_bytes
from .templating import render

#: As the linker knows it: what does not fit is for the budget to say, in words.
_LINKER_RAM_BYTES = 1 << 26
NOT_ASKED = "the project was rendered without asking the reference"


@dataclass(frozen=True)
class Vector:
    """Inputs in a row, in memory order, and the reference's outputs (None: not known). The ramp's input is None."""

    name: str
    input: bytes | None
    output: bytes | None


@dataclass(frozen=True)
class Vectors:
    """Test vectors in the order they run, from a reset state.

    `reference` computed the outputs, or `reason` says why none did.
    """

    vectors: tuple[Vector, ...] = (Vector("ramp", None, None),)
    reference: str = ""
    reason: str = NOT_ASKED

    def text(self, manifest: Manifest) -> str:
        """As test/test_model/vectors.json has it: the test beside it reads it without tinygen."""
        told = {
            "schema": "tinygen.vectors/1",
            "model": manifest.model.name,
            "sha256": manifest.model.sha256,
            "inputs": [_end(tensor) for tensor in manifest.model.inputs],
            "outputs": [_end(tensor) for tensor in manifest.model.outputs],
            "reference": self.reference or None,
            "reason": "" if self.reference else self.reason,
            "vectors": [{"name": v.name, "input": _base64(v.input), "output": _base64(v.output)} for v in self.vectors],
        }
        return json.dumps(told, indent=1) + "\n"


def sim_env_files(board: BoardProfile, manifest: Manifest, vectors: Vectors) -> dict[str, str]:
    """sim/platformio and test/ by path; the harness in sim/ comes from sim_support."""
    files = {
        f"sim/platformio/boards/{board.name}.json": json.dumps(sim_board(board, manifest.toolchain), indent=2) + "\n",
        "test/test_model/vectors.json": vectors.text(manifest),
    }
    machine = machine_board(board)
    if machine is not None:
        files["sim/platformio/link.ld"] = render(
            "sim/link.ld.j2",
            board=machine.name,
            flash=machine.flash,
            ram=machine.ram.model_copy(update={"size": _LINKER_RAM_BYTES}),
            stack_bytes=stack_bytes(board),
            fault_stack_bytes=FAULT_STACK_BYTES,
        )
    for name in ("platform.json", "platform.py", "simulator.py", "builder/main.py"):
        files[f"sim/platformio/{name}"] = _fixed(name)
    files["test/test_custom_runner.py"] = _fixed("test_custom_runner.py")
    return files


def sim_context(board: BoardProfile, manifest: Manifest) -> dict[str, Any]:
    """What the templates say of the environment; TFLite Micro has none: its sources are not here."""
    machine = machine_board(board)
    context = {
        "has_sim": manifest.runtime == "aot",
        "built_for": f"built for {board.core}",
        "runs_on": "in QEMU, or on this machine where QEMU is not installed",
        "src_flags": "-fno-builtin -DTG_SIM_CHECK",
        # Assembly is added by the platform; native.c is for runs on the host.
        "src_filter": "-<*> +<*.c> -<native.c>",
        "sim_budget": "sim",
    }
    if machine is None:
        context |= {
            "built_for": f"built for this machine (no simulator runs {board.core})",
            "runs_on": "on this machine",
            "src_filter": "-<*> +<harness.c> +<native.c>",
            "sim_budget": "none",
        }
    return context


def _end(tensor: TensorRecord) -> dict[str, Any]:
    return {"dtype": tensor.dtype, "bytes": tensor.bytes}


def _base64(data: bytes | None) -> str | None:
    return None if data is None else base64.b64encode(data).decode("ascii")


def _fixed(name: str) -> str:
    return (data_dir("firmware") / "platformio" / name).read_text("utf-8")
