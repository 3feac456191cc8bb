"""Writing a project: whole or not at all, and what a user edited or added is never lost."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tinygen.errors import BadInput
from tinygen.project import Manifest, ModelRecord, PlanRecord, read_manifest
from tinygen.writing import edited_files, write_project

MANIFEST = Manifest(
    tinygen="0",
    runtime="aot",
    board="pico",
    model=ModelRecord(name="m", version="1", file="m.tflite", sha256="0", inputs=(), outputs=()),
    plan=PlanRecord(arena_bytes=0, arena_lower_bound_bytes=0, state_bytes=0, weights_bytes=0, layers=()),
    files={},
)


def test_a_fresh_folder_holds_exactly_the_files(tmp_path: Path) -> None:
    out = tmp_path / "deep" / "p"
    written = write_project({"a.c": b"1", "lib/b.h": b"2"}, MANIFEST, out)
    found = {p.relative_to(out).as_posix() for p in out.rglob("*") if p.is_file()}
    assert found == {"a.c", "lib/b.h", "tinygen.json"}
    assert written.kept == () and edited_files(out, read_manifest(out)) == []
    assert [p.name for p in out.parent.iterdir()] == ["p"]


def test_own_files_are_renewed_and_dropped(tmp_path: Path) -> None:
    out = tmp_path / "p"
    write_project({"a.c": b"1", "old.c": b"x"}, MANIFEST, out)
    write_project({"a.c": b"2"}, MANIFEST, out)
    assert (out / "a.c").read_bytes() == b"2" and not (out / "old.c").exists()


def test_edited_and_added_files_survive(tmp_path: Path) -> None:
    out = tmp_path / "p"
    write_project({"a.c": b"1", "b.c": b"1"}, MANIFEST, out)
    (out / "a.c").write_bytes(b"mine")
    (out / "notes" / "n.txt").parent.mkdir()
    (out / "notes" / "n.txt").write_bytes(b"note")
    written = write_project({"a.c": b"2", "b.c": b"2"}, MANIFEST, out)
    assert written.kept == ("a.c",)
    assert (out / "a.c").read_bytes() == b"mine" and (out / "b.c").read_bytes() == b"2"
    assert (out / "notes" / "n.txt").read_bytes() == b"note"
    assert edited_files(out, read_manifest(out)) == ["a.c"]
    again = write_project({"a.c": b"3"}, MANIFEST, out)
    assert again.kept == ("a.c",) and (out / "a.c").read_bytes() == b"mine"


def test_force_moves_edited_files_aside(tmp_path: Path) -> None:
    out = tmp_path / "p"
    write_project({"a.c": b"1"}, MANIFEST, out)
    (out / "a.c").write_bytes(b"mine")
    written = write_project({"a.c": b"2"}, MANIFEST, out, force=True)
    assert written.moved == ("a.c",)
    assert (out / "a.c").read_bytes() == b"2" and (out / "a.c.orig").read_bytes() == b"mine"


def test_a_folder_of_others_is_not_touched(tmp_path: Path) -> None:
    out = tmp_path / "p"
    out.mkdir()
    (out / "thesis.txt").write_text("years of work")
    with pytest.raises(BadInput, match="not made by tinygen"):
        write_project({"a.c": b"1"}, MANIFEST, out, force=True)
    assert [p.name for p in out.iterdir()] == ["thesis.txt"]
    assert [p.name for p in tmp_path.iterdir()] == ["p"]


def test_a_file_in_the_way_is_not_touched(tmp_path: Path) -> None:
    out = tmp_path / "p"
    out.write_text("x")
    with pytest.raises(BadInput, match="is a file"):
        write_project({"a.c": b"1"}, MANIFEST, out)
    assert out.read_text() == "x"


@pytest.mark.slow
def test_a_kill_at_any_moment_leaves_the_old_or_the_new(tmp_path: Path) -> None:
    out = tmp_path / "p"
    files = {f"f{i}.c": b"0" * 20_000 for i in range(60)}
    write_project(files, MANIFEST, out)
    script = (
        "import sys; from pathlib import Path; from test_writing import MANIFEST;"
        "from tinygen.writing import write_project\n"
        "n = 0\n"
        "while True:\n"
        "    n += 1\n"
        "    print(n, flush=True)\n"
        "    content = str(n % 10).encode() * 20_000\n"
        "    write_project({f'f{i}.c': content for i in range(60)}, MANIFEST, Path(sys.argv[1]))\n"
    )
    root = str(Path(__file__).resolve().parent)
    for trial in range(25):
        child = subprocess.Popen(
            [sys.executable, "-c", script, str(out)], env={**os.environ, "PYTHONPATH": root}, stdout=subprocess.PIPE
        )
        assert child.stdout is not None and child.stdout.readline()
        time.sleep(0.003 * trial)
        child.send_signal(signal.SIGKILL)
        child.wait()
        contents = {(out / f"f{i}.c").read_bytes() for i in range(60)}
        assert len(contents) == 1, "a mixture of two renderings"
        assert edited_files(out, read_manifest(out)) == []
    write_project(files, MANIFEST, out)
    assert [p.name for p in tmp_path.iterdir()] == ["p"]
