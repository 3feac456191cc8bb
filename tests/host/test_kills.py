"""A command that is killed at any moment leaves the output as it was or the new one, whole, and no rubbish for long."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from command_line import tinygen
from small_models import MODELS

from tinygen.project import read_manifest
from tinygen.writing import sha256

pytestmark = [pytest.mark.slow, pytest.mark.needs_cc]

BOARDS = ("qemu_mps2_an386", "qemu_riscv32")


def start(*args: str | Path) -> subprocess.Popen[bytes]:
    """The command in a session of its own, so that what it started ends with it."""
    command = [sys.executable, "-m", "tinygen.cli", *map(str, args)]
    return subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )  # fmt: skip


def kill(child: subprocess.Popen[bytes]) -> bool:
    """Whether the kill came before the end."""
    alive = child.poll() is None
    if alive:
        os.killpg(child.pid, signal.SIGKILL)
    child.wait(30)
    return alive


def wait_for(seen: Callable[[], bool], child: subprocess.Popen[bytes]) -> None:
    """Waits until something is seen or the child has ended."""
    limit = time.monotonic() + 60
    while not seen() and child.poll() is None and time.monotonic() < limit:
        time.sleep(0.0005)


def whole(project: Path) -> str:
    """The board of a project whose every file is there as its manifest says, and no other file."""
    manifest = read_manifest(project)
    there = {p.relative_to(project).as_posix(): p for p in project.rglob("*") if p.is_file()}
    assert there.keys() == manifest.files.keys() | {"tinygen.json"}
    assert all(sha256(there[path].read_bytes()) == digest for path, digest in manifest.files.items())
    return manifest.board


def rubbish(folder: Path) -> list[str]:
    return [p.name for p in folder.iterdir() if ".tinygen-" in p.name]


def test_generate(tmp_path: Path) -> None:
    """50 kills: half at any moment of the run, half while the files are written."""
    model = tmp_path / "conv.tflite"
    model.write_bytes(MODELS["conv"]().tflite)
    out, beside = tmp_path / "p", tmp_path / ".p.tinygen-new"
    begun = time.monotonic()
    assert tinygen("generate", model, "--board", BOARDS[0], "-o", out, "-q").code == 0
    duration = time.monotonic() - begun
    generator = random.Random(1)
    now, found = BOARDS[0], Counter[str]()
    for number in range(50):
        wanted = BOARDS[now == BOARDS[0]]
        child = start("generate", model, "--board", wanted, "-o", out, "-q")
        if number % 2:
            wait_for(beside.exists, child)
            time.sleep(generator.uniform(0, 0.02))
        else:
            time.sleep(generator.uniform(0, 1.2 * duration))
        killed = kill(child)
        before, now = now, read_manifest(out).board if out.exists() else ""
        if not out.exists():  # between two renames, where names cannot be exchanged: the next start puts it back
            assert (tmp_path / ".p.tinygen-old").is_dir()
            assert tinygen("generate", model, "--board", wanted, "-o", out, "-q").code == 0
        now = whole(out)
        assert now in (before, wanted) and (killed or now == wanted)
        found["new" if now == wanted else "old"] += 1
        found["killed"] += killed
        found["half written"] += bool(rubbish(tmp_path))
    assert min(found[what] for what in ("new", "old", "half written")) > 3 and found["killed"] > 20, found
    assert tinygen("generate", model, "--board", BOARDS[0], "-o", out, "-q").code == 0
    assert whole(out) == BOARDS[0] and rubbish(tmp_path) == []


@pytest.mark.needs_cross
@pytest.mark.needs_tflm
@pytest.mark.needs_qemu
def test_run(tmp_path: Path) -> None:
    """30 kills: the project and the report are whole each time, and the next run is as if nothing had been."""
    (tmp_path / "dense.tflite").write_bytes(MODELS["dense"]().tflite)
    config = tmp_path / "tinygen.toml"
    versions = ("1.0", "2.0")

    def write_config(version: str) -> None:
        config.write_text(
            f'schema = 1\n[model]\npath = "dense.tflite"\nversion = "{version}"\n'
            f'[target]\nboards = ["{BOARDS[0]}"]\n'
        )  # fmt: skip

    build = tmp_path / "build"
    for version in versions[::-1]:  # the first run is the slower one
        write_config(version)
        begun = time.monotonic()
        assert tinygen("run", config, "-q").code == 0
    duration = time.monotonic() - begun
    report = (build / "report.json").read_bytes()
    generator = random.Random(2)
    found = Counter[str]()
    for number in range(30):
        version = versions[1 - number % 2]
        write_config(version)
        child = start("run", config, "-q")
        time.sleep(generator.uniform(0, duration))
        found["killed"] += kill(child)
        assert whole(build / BOARDS[0]) == BOARDS[0]
        found[read_manifest(build / BOARDS[0]).model.version] += 1
        assert json.loads((build / "report.json").read_bytes()).keys() == json.loads(report).keys()
    assert found["killed"] > 15 and all(found[version] for version in versions), found
    write_config(versions[0])
    assert tinygen("run", config, "-q").code == 0
    assert (build / "report.json").read_bytes() == report
    assert read_manifest(build / BOARDS[0]).model.version == versions[0]
    assert rubbish(build) == [] and rubbish(tmp_path) == []
