"""Rules that no linter knows: no machine's paths, small files, headers that compile alone, one format for C."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FIRMWARE = ROOT / "firmware"
PYTHON = sorted(p for p in (ROOT / "tinygen").rglob("*.py") if "_data" not in p.parts)
#: A header whose quoted includes are not ours alone needs a vendor's SDK.
HEADERS = [
    path
    for path in sorted(FIRMWARE.rglob("*.h"))
    if {Path(name).name for name in re.findall(r'#include "([^"]+)"', path.read_text("utf-8"))}
    <= {p.name for p in FIRMWARE.rglob("*.h")}
]
WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Werror", "-fsyntax-only"]
#: A path of somebody's machine, or the host of a package registry: neither belongs into a file that others check out.
FORBIDDEN = re.compile(
    rf"(?<![\w.:/}}-])(?:{re.escape(str(ROOT.parent))}|/root|/home/\w+|/Users/\w+)/"
    r"|\b(?:pypi|pythonhosted|npmjs|crates|anaconda|registry\.platformio|deb\.debian|archive\.ubuntu)\.(?:org|io|com)\b"
)


def tracked_files() -> list[Path]:
    """What git tracks; without git, what lies in the checkout outside of build folders and caches."""
    if shutil.which("git") and (ROOT / ".git").exists():
        done = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, timeout=60)
        if done.returncode == 0:
            return [ROOT / os.fsdecode(name) for name in done.stdout.split(b"\0") if name]
    found: list[Path] = []
    for folder, folders, files in os.walk(ROOT):
        folders[:] = [f for f in folders if f not in ("build", "dist", "__pycache__") and not f.startswith(".")]
        found += [Path(folder) / name for name in files]
    return found


def test_no_tracked_file_names_a_machine_or_a_registry() -> None:
    files = [path for path in tracked_files() if path.is_file()]
    assert ROOT / "tinygen" / "errors.py" in files
    found = [
        f"{path.relative_to(ROOT)}:{number}: {match[0]}"
        for path in files
        for number, line in enumerate(path.read_bytes().decode("utf-8", "replace").splitlines(), 1)
        for match in FORBIDDEN.finditer(line)
    ]
    assert not found


@pytest.mark.parametrize(
    ("line", "is_bad"),
    [
        (f"see {ROOT}/x", True),
        ("'" + "/".join(["", "root", ".cache"]) + "'", True),
        ("/".join(["", "home", "ann", "x"]), True),
        ("from https://" + ".".join(["pypi", "org"]), True),
        ("files." + ".".join(["pythonhosted", "org"]), True),
        ("network/home/x/y or ${HOME}/x/", False),
        ("https://example.org/home/ann/", False),
        ("/usr/bin/python3", False),
    ],
)
def test_what_counts_as_such_a_name(line: str, is_bad: bool) -> None:
    assert bool(FORBIDDEN.search(line)) == is_bad


@pytest.mark.parametrize("path", PYTHON, ids=lambda p: str(p.relative_to(ROOT)))
def test_a_module_is_small_and_says_what_it_is_for(path: Path) -> None:
    text = path.read_text("utf-8")
    assert len(text.splitlines()) <= 400
    assert (ast.get_docstring(ast.parse(text)) or "").strip()


def compilers() -> list[str]:
    return [name for name in ("gcc", "clang") if shutil.which(name)]


def compile_header(compiler: str, header: Path, language: str, standard: str) -> str:
    """The compiler's complaints about a file that includes this header and nothing else, twice."""
    include = f'#include "{header.name}"\n' * 2
    folders = [f"-I{folder}" for folder in (header.parent, FIRMWARE / "runtime", FIRMWARE / "kernels")]
    command = [compiler, "-x", language, f"-std={standard}", *WARNINGS, *folders, "-"]
    done = subprocess.run(command, input=include, capture_output=True, text=True, timeout=60)
    return done.stderr if done.returncode else ""


@pytest.mark.needs_cc
@pytest.mark.parametrize("header", HEADERS, ids=lambda p: str(p.relative_to(FIRMWARE)))
def test_a_header_compiles_alone_as_c99(header: Path) -> None:
    assert compilers()
    assert not "".join(compile_header(compiler, header, "c", "c99") for compiler in compilers())


@pytest.mark.needs_cc
def test_the_users_header_compiles_alone_as_cpp17() -> None:
    for compiler in compilers():
        assert not compile_header(compiler, FIRMWARE / "runtime" / "tg.h", "c++", "c++17")


@pytest.mark.needs_cc
def test_a_header_that_narrows_is_refused(tmp_path: Path) -> None:
    header = tmp_path / "bad.h"
    header.write_text("static inline char f(int x) {\n    return x;\n}\n")
    for compiler in compilers():
        assert "onver" in compile_header(compiler, header, "c", "c99")


def clang_format() -> str | None:
    """The environment's own clang-format: its version decides what the format is."""
    beside = Path(sys.executable).parent / "clang-format"
    return str(beside) if beside.exists() else None


@pytest.mark.skipif(clang_format() is None, reason="clang-format of tinygen[dev] is not installed")
def test_firmware_is_formatted() -> None:
    files = sorted(str(p.relative_to(ROOT)) for p in FIRMWARE.rglob("*") if p.suffix in (".c", ".h", ".cpp"))
    assert len(files) > 10
    command = [str(clang_format()), "--dry-run", "-Werror", "--style=file", *files]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[:2000]
