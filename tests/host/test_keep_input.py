"""What a rendered header promises of its inputs, kept by the compiled model: --keep-input leaves them as they were."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from small_models import MODELS

from tinygen.pipeline import generate
from tinygen.toolchain.compilers import environment

pytestmark = pytest.mark.needs_cc

SOURCE = Path(__file__).resolve().parent / "two" / "keep.c"
LEAVES, MAY = "leaves every input as it was", "may overwrite the inputs"


def twice(name: str, folder: Path, keep_input: bool) -> tuple[str, str]:
    """(the header, what two runs without filling the inputs again say)."""
    generate(MODELS[name](), "pico", folder / "p", keep_input=keep_input)
    source = folder / "p" / "lib" / name / "src"
    sources = [str(path) for path in (SOURCE, *sorted(source.glob("*.c")))]
    defines = [f"-DMODEL={name}", f'-DMODEL_H="{name}.h"']
    command = ["cc", "-std=c99", "-O1", *defines, "-I", str(source), *sources, "-o", str(folder / "program")]
    subprocess.run(command, env=environment(), timeout=120, check=True)
    done = subprocess.run([str(folder / "program")], capture_output=True, timeout=60, check=True)
    return (source / f"{name}.h").read_text(), done.stdout.decode().strip()


@pytest.mark.parametrize("name", MODELS)
def test_keep_input_keeps_it(name: str, tmp_path: Path) -> None:
    header, said = twice(name, tmp_path, keep_input=True)
    assert LEAVES in header and MAY not in header
    assert said == "inputs kept, outputs repeat"


@pytest.mark.parametrize("name", MODELS)
def test_without_it_the_header_tells_the_truth(name: str, tmp_path: Path) -> None:
    header, said = twice(name, tmp_path, keep_input=False)
    assert (LEAVES in header) != (MAY in header)
    if LEAVES in header:
        assert said == "inputs kept, outputs repeat"


def test_the_option_is_needed(tmp_path: Path) -> None:
    assert twice("hostile", tmp_path, keep_input=False)[1].startswith("inputs changed")
