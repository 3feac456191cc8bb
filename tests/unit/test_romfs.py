"""ROMFS images: those that mpremote builds, byte for byte, and the paths that none holds."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tinygen.errors import BadInput
from tinygen.micropython.programs import find_program
from tinygen.micropython.romfs import romfs_image

TREES: list[dict[str, bytes]] = [
    {},
    {"a": b""},
    {"kws.py": b"import _kws\n", "_kws.mpy": bytes(range(256)) * 90},
    {"lib/b.py": b"1", "lib/deep/er/c.bin": b"x" * 127, "lib/a.py": b"", "z": b"y" * 128, "B": b"\0" * 16384},
]


@pytest.mark.needs_micropython
@pytest.mark.parametrize("files", TREES)
def test_an_image_is_mpremote_s(files: dict[str, bytes], tmp_path: Path) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    for path, data in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
    image = tmp_path / "image"
    command = [find_program("mpremote"), "romfs", "--no-mpy", "-o", image, "build", folder]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    assert romfs_image(files) == image.read_bytes()


@pytest.mark.needs_micropython
def test_micropython_reads_an_image(tmp_path: Path) -> None:
    files = TREES[3]
    (tmp_path / "image").write_bytes(romfs_image(files))
    code = "import vfs; vfs.mount(vfs.VfsRom(open('image', 'rb').read()), '/r')\n"
    code += f"print([open('/r/' + p, 'rb').read() == d for p, d in {files!r}.items()])"
    (tmp_path / "read.py").write_text(code)
    program = [find_program("micropython"), "read.py"]
    done = subprocess.run(program, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == str([True] * len(files)), done.stderr


@pytest.mark.parametrize("path", ["", "/a", "a/", "a//b", ".", "a/../b", "é", "a\nb", "a\0b"])
def test_paths_of_nothing(path: str) -> None:
    with pytest.raises(BadInput, match="no path of a file"):
        romfs_image({path: b""})


def test_a_file_is_no_directory() -> None:
    with pytest.raises(BadInput, match="a is a file"):
        romfs_image({"a": b"", "a/b": b""})


def test_the_length_is_even() -> None:
    assert all(len(romfs_image({"a": b"x" * n})) % 2 == 0 for n in range(300))
