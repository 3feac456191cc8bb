"""The .tflite as an array in C++, and the way back: the very bytes that a rendered project would flash."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

from ..errors import BadInput
from ..project import read_manifest

_MAX_SOURCE_BYTES = 1 << 31
_A_LINE = 16


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
    try:
        if path.stat().st_size > _MAX_SOURCE_BYTES:
            raise BadInput(f"{path}: too large to be a model's array.")
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{path}: cannot be read: {error}.", "`tinygen generate` renders it anew.") from error
    header = path.with_name(f"{name}_model.h")
    return parse_array(text, f"{name}_model_data", str(path), _declared_size(header, name))


def _declared_size(header: Path, name: str) -> int:
    try:
        found = re.search(
            rf"^#define {name.upper()}_MODEL_BYTES (\d{{1,10}})$", header.read_text("utf-8"), re.MULTILINE
        )
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{header}: cannot be read: {error}.", "`tinygen generate` renders it anew.") from error
    if not found:
        raise BadInput(f"{header}: no {name.upper()}_MODEL_BYTES.", "`tinygen generate` renders it anew.")
    return int(found[1])


def parse_array(text: str, symbol: str, place: str, size: int) -> bytes:
    """The bytes that a C++ compiler would give the array `symbol` of `size` bytes (missing ones are zero there, and
    an error here)."""
    plain = re.sub(r"/\*.*?\*/|//[^\n]*", " ", text, flags=re.DOTALL)
    if re.search(r"^\s*#\s*(?!include\b)", plain, re.MULTILINE):
        raise BadInput(f"{place}: preprocessor directives in the model's array cannot be followed.", _AGAIN)
    bodies = re.findall(rf"\b{re.escape(symbol)}\s*\[[^\]]*\]\s*=\s*\{{([^{{}}]*)\}}\s*;", plain)
    if len(bodies) != 1:
        raise BadInput(f"{place}: {len(bodies)} arrays named {symbol} where one is needed.", _AGAIN)
    tokens = [token.strip() for token in bodies[0].split(",")]
    if tokens and not tokens[-1]:
        tokens.pop()  # after the last comma
    data = bytearray()
    for i, token in enumerate(tokens):
        if not re.fullmatch(r"0[xX][0-9a-fA-F]{1,8}|0|[1-9][0-9]{0,8}", token) or int(token, 0) > 255:
            raise BadInput(f"{place}: element {i} of {symbol} is {token[:40]!r}, not a byte.", _AGAIN)
        data.append(int(token, 0))
    if len(data) != size:
        raise BadInput(f"{place}: {symbol} has {len(data)} bytes, its header says {size}.", _AGAIN)
    if data[4:8] != b"TFL3":
        raise BadInput(f"{place}: {symbol} is no longer a .tflite file.", _AGAIN)
    return bytes(data)


_AGAIN = "`tinygen generate --force` renders it anew."


def digest(data: bytes) -> str:
    """SHA-256 in hexadecimal."""
    return hashlib.sha256(data).hexdigest()
