"""Three ways to count agree: unicorn's blocks in Python, in C, and a hook on every instruction."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from toy_model import Render

from tinygen.boards import load_board
from tinygen.simulate import protocol, unicorn_cpu
from tinygen.simulate.unicorn_count import BlockCounter
from tinygen.toolchain.build import build_image

#: Conditional instructions that execute and that are skipped, in IT blocks on ARMv7-M.
CONDITIONAL = (
    "for (i = 0; i < 16; i++) { toy_arena[i] = (int8_t)(toy_arena[i] < 3 ? toy_arena[i] + 1 : -toy_arena[i]); }"
)


class EveryInstruction:
    """Counts with a hook on each instruction, in place of the blocks."""

    compiled = False

    def __init__(self, uc: Any, *_: Any) -> None:
        self.uc, self.count, self.hook = uc, 0, None

    def start(self) -> None:
        import unicorn

        if self.hook is None:
            self.uc.ctl_flush_tb()
            self.hook = self.uc.hook_add(unicorn.UC_HOOK_CODE, self.on_instruction)

    def on_instruction(self, *_: Any) -> None:
        self.count += 1

    def stop(self) -> None:
        if self.hook is not None:
            self.uc.hook_del(self.hook)
            self.uc.ctl_flush_tb()
            self.hook = None


@pytest.mark.needs_cross
@pytest.mark.parametrize("name", ["pico", "bluepill_f103c8", "nucleo_f446re", "rpipico2", "esp32-c3-devkitm-1"])
def test_blocks_count_every_instruction(
    name: str, toy_project: Render, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    board = load_board(name)
    image = build_image(toy_project(board, trouble=CONDITIONAL), board, tmp_path / "build")
    sample = np.random.default_rng(1).integers(-128, 128, 16, dtype="int8").tobytes()
    regions = [
        {"name": r.name, "origin": r.origin, "size": r.size, "code": r is board.flash} for r in (board.flash, board.ram)
    ]
    counts = []
    for i, (kind, library) in enumerate(
        [(BlockCounter, ""), (BlockCounter, str(image.counter)), (EveryInstruction, "")]
    ):
        folder = tmp_path / str(i)
        folder.mkdir()
        (folder / "request.bin").write_bytes(protocol.encode(protocol.Job([sample], 0), protocol.HOST_CLOCK))
        monkeypatch.setattr(unicorn_cpu, "BlockCounter", kind)
        request = {
            "elf": str(image.elf), "counter": library, "core": board.core, "folder": str(folder), "timeout_s": 30.0,
            "regions": regions,
        }  # fmt: skip
        machine = unicorn_cpu._Machine(request)
        assert machine.counter.compiled is bool(library)
        assert machine.run(30.0) == ""
        counts.append(protocol.decode((folder / "response.bin").read_bytes()).counts)
    assert counts[0] is not None
    assert counts[0] == counts[1]
    spin, one, call = counts[0]
    hooked = counts[2]
    assert hooked is not None and hooked[:2] == (spin, one)
    skipped = call - hooked[2]  # the hook on instructions leaves out what an IT block skips; blocks and QEMU count it
    assert 0 < skipped <= 16 * 2 if "armv7m" in board.features else skipped == 0
    assert spin - one + 1 == pytest.approx(protocol.SPIN_INSTRUCTIONS, abs=20)
    assert call > 500
