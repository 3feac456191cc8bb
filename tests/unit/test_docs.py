"""The reference in docs/ is what the code says today, and speaks of everything there is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tinygen import docs
from tinygen.boards import board_names
from tinygen.cli import COMMANDS
from tinygen.compress.registry import technique_names
from tinygen.flatbuffer import Table
from tinygen.ops import operators
from tinygen.simulate.compare import SimulationReport

FOLDER = Path(__file__).resolve().parent.parent.parent / "docs"


@pytest.mark.parametrize("name", docs.pages())
def test_pages_are_fresh(name: str) -> None:
    assert (FOLDER / name).read_text("utf-8") == docs.pages()[name], "`python -m tinygen.docs` renews docs/"


def test_pages_speak_of_everything() -> None:
    pages = docs.pages()
    assert all(f"## tinygen {name}\n" in pages["commands.md"] for name in COMMANDS)
    assert all(f"| `{name}` |" in pages["boards.md"] for name in board_names())
    assert all(f"| {kind} |" in pages["operators.md"] for kind in operators())
    assert all(f'technique = "{name}"' in pages["config.md"] for name in technique_names())


def test_operators_say_what_they_fuse() -> None:
    """A kernel that reads a fused activation's code computes it, or refuses any."""
    empty = Table(b"\x04\x00\x04\x00\x04\x00\x00\x00", 4)
    reading = {kind for kind, operator in operators().items() if hasattr(operator.read(empty), "fused")}
    assert reading - {kind for kind, operator in operators().items() if operator.fused} == {
        "CONCATENATION", "L2_NORMALIZATION",
    }  # fmt: skip
    row = next(line for line in docs.operators().splitlines() if line.startswith("| CONV_2D |"))
    assert "RELU6" in row and "constant weights" in row and "`conv2d_s8`" in row


def test_every_command_has_its_example() -> None:
    examples = re.findall(r"```sh\n(.*)\n```", docs.commands())
    assert [example.split()[:2] for example in examples] == [["tinygen", name] for name in COMMANDS]


def test_tables_are_whole() -> None:
    for text in docs.pages().values():
        for block in re.findall(r"(?:^\|.*\n)+", text, re.M):
            assert len({len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines()}) == 1


def test_figures_of_a_simulation_are_explained() -> None:
    text = (FOLDER / "simulate.md").read_text("utf-8")
    for key in SimulationReport.__dataclass_fields__:
        assert key == "outputs" or f"`{key}`" in text, key
