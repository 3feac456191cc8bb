"""The .tflite as an array in C++, and the way back: the very bytes that a rendered project would flash."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

from ..errors import BadInput
from ..project import read_manifest

#: Of the model, and of its source: eight characters a byte and a page besides.
_MAX_BYTES = 1 << 24
_MAX_SOURCE_BYTES = 8 * _MAX_BYTES + (1 << 16)
_A_LINE = 16
_COMMENT = re.compile(r"/\*|//")
_AGAIN = "`tinygen generate --force` renders it anew."


def array_lines(data: bytes) -> Iterator[str]:
    """The initializer's lines, sixteen bytes each."""
    for start in range(0, len(data), _A_LINE):
        yield ", ".join(f"0x{byte:02x}" for byte in data[start : start + _A_LINE]) + ","


def model_source(name: str) -> str:
    """Path in the project of the array's source, for the model's C name."""
    return f"lib/{name}/src/{name}_model.cpp"


def model_bytes_of(project: Path) -> bytes:
    """The model's bytes as they stand in the rendered source of a tflm project, edits included.

    Raises BadInput where the array is missing, is no longer a list of bytes, or is not a .tflite file.
    """
    manifest = read_manifest(project)
    if manifest.runtime != "tflm":
        raise BadInput(f"{project}: a project of the {manifest.runtime} back end has no model array.")
    name = manifest.model.name
    path = project / model_source(name)
    header = path.with_name(f"{name}_model.h")
    return parse_array(_text(path), f"{name}_model_data", str(path), _declared_size(header, name))


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > _MAX_SOURCE_BYTES or not path.is_file():
            raise BadInput(f"{path}: too large to be a model's array, or no file.", _AGAIN)
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{path}: cannot be read: {error}.", "`tinygen generate` renders it anew.") from error


def _declared_size(header: Path, name: str) -> int:
    found = re.search(rf"^#define {name.upper()}_MODEL_BYTES (\d{{1,10}})$", _text(header), re.MULTILINE)
    if not found or int(found[1]) > _MAX_BYTES:
        raise BadInput(f"{header}: no {name.upper()}_MODEL_BYTES of a model's size.", _AGAIN)
    return int(found[1])


def parse_array(text: str, symbol: str, place: str, size: int) -> bytes:
    """The bytes that a C++ compiler would give the array `symbol` of `size` bytes (missing ones are zero there, and
    an error here)."""
    plain = _without_comments(text, place)
    if re.search(r"^[^\S\n]*#[^\S\n]*(?!include\b)", plain, re.MULTILINE):
        raise BadInput(f"{place}: preprocessor directives in the model's array cannot be followed.", _AGAIN)
    found = [match.end() for match in re.finditer(rf"\b{re.escape(symbol)}\b", plain)]
    body = re.compile(r"\s*\[[^\]]*\]\s*=\s*\{([^{}]*)\}\s*;").match(plain, found[0]) if len(found) == 1 else None
    if body is None or body[1].count(",") > size:
        raise BadInput(f"{place}: no one array named {symbol}, of {size} elements.", _AGAIN)
    tokens = body[1].rstrip().removesuffix(",").split(",") if body[1].strip() else []
    data = bytearray()
    for i, token in enumerate(map(str.strip, tokens)):
        if not re.fullmatch(r"0[xX][0-9a-fA-F]{1,8}|0|[1-9][0-9]{0,8}", token) or int(token, 0) > 255:
            raise BadInput(f"{place}: element {i} of {symbol} is {token[:40]!r}, not a byte.", _AGAIN)
        data.append(int(token, 0))
    if len(data) != size:
        raise BadInput(f"{place}: {symbol} has {len(data)} bytes, its header says {size}.", _AGAIN)
    if data[4:8] != b"TFL3":
        raise BadInput(f"{place}: {symbol} is no longer a .tflite file.", _AGAIN)
    return bytes(data)


def _without_comments(text: str, place: str) -> str:
    """C++ with a space for every comment; a search for the end of each, so that it takes the time of one reading."""
    parts, at = [], 0
    while start := _COMMENT.search(text, at):
        parts.append(text[at : start.start()])
        block = start[0] == "/*"
        end = text.find("*/" if block else "\n", start.end())
        if end < 0 and block:
            raise BadInput(f"{place}: a comment without an end.", _AGAIN)
        at = len(text) if end < 0 else end + 2 * block
    return " ".join([*parts, text[at:]])


def digest(data: bytes) -> str:
    """SHA-256 in hexadecimal."""
    return hashlib.sha256(data).hexdigest()
