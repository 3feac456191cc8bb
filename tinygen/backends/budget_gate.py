"""The budget gate of a rendered project: the board's memories as tools/budget.py, which stands alone, reads them."""

from __future__ import annotations

import json
from typing import Any

from ..boards import BoardProfile, Framework, Region
from ..project import Manifest
from ..resources import data_dir
from .platformio_cores import machine_board


def gate_files(board: BoardProfile, manifest: Manifest, framework: str, stack_bytes: int) -> dict[str, str]:
    """tools/budget.py and its figures by path; `stack_bytes` is the model's own stack, `framework` the one in use."""
    told = {
        "schema": "tinygen.gate/1",
        "board": board.name,
        "model": manifest.model.name,
        "environments": _environments(board, manifest, framework, stack_bytes),
    }
    script = (data_dir("firmware") / "platformio" / "budget.py").read_text("utf-8")
    return {"tools/budget.py": script, "tools/budget.json": json.dumps(told, indent=1) + "\n"}


def _environments(board: BoardProfile, manifest: Manifest, framework: str, stack_bytes: int) -> dict[str, Any]:
    stack = {f"stack of {manifest.model.name}": stack_bytes}
    taken = next((f for f in board.frameworks if f.name == framework), board.framework)
    found: dict[str, Any] = {
        "board": {
            "ram": board.ram.name,
            "regions": [_region(region) for region in board.regions],
            "reserved": {"flash": {}, "ram": _reserved(taken, stack)},
            "code": _code(board.ram),
        }
    }
    machine = machine_board(board)
    if machine is not None:
        weights = manifest.plan.weights_bytes if board.constants_in_ram else 0
        share = {"constants copied to RAM": weights} if weights else {}
        found["sim"] = {
            "ram": board.ram.name,
            "regions": [
                _region(board.flash) | {"origin": machine.flash.origin},
                _region(board.ram) | {"origin": machine.ram.origin},
            ],
            "reserved": {
                "flash": {taken.name: taken.flash_bytes} if taken else {},
                "ram": ({taken.name: taken.ram_bytes} if taken else {}) | share | stack,
            },
            "code": None,
        }
    return found


def _reserved(taken: Framework | None, stack: dict[str, int]) -> dict[str, int]:
    own = {f"stack and heap of {taken.name}": taken.run_time_bytes} if taken and taken.run_time_bytes else {}
    return own | stack


def _region(region: Region) -> dict[str, Any]:
    return {"name": region.name, "kind": region.kind, "origin": region.origin, "size": region.size}


def _code(region: Region) -> dict[str, int] | None:
    if region.bank_bytes == 0:
        return None
    return {"origin": region.code_origin, "size": region.size, "bank_bytes": region.bank_bytes}
