"""The reference in docs/ is what the code says today, and speaks of everything there is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tinygen import docs
from tinygen.boards import board_names
from tinygen.cli import COMMANDS
from tinygen.compress.registry import technique_names
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
