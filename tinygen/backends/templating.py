"""One strict Jinja environment for every template, and the filters that make a model's names harmless in C."""

from __future__ import annotations

import re
import struct
from collections.abc import Sequence
from functools import cache
from typing import Any

import jinja2

from ..resources import data_dir

C_KEYWORDS = frozenset(
    """auto break case char const continue default do double else enum extern float for goto if inline int long
    register restrict return short signed sizeof static struct switch typedef union unsigned void volatile while bool
    true false class new delete private public protected template this throw try catch virtual namespace operator
    using typename explicit friend mutable export and or not xor asm main arena""".split()
)


def c_identifier(text: str, fallback: str = "x") -> str:
    """`text` as a C identifier: ASCII letters, digits and single underscores, at most 40 characters, no keyword."""
    word = re.sub(r"[^A-Za-z0-9]+", "_", text).strip("_")[:40].strip("_")
    if not word:
        return fallback
    if word[0].isdigit():
        word = f"{fallback}_{word}"
    return f"{word}_" if word.lower() in C_KEYWORDS else word


def c_comment(text: str) -> str:
    """`text` for the inside of a C comment: printable ASCII that cannot end the comment or continue a line."""
    ascii_only = "".join(c if " " <= c <= "~" else "?" for c in text).replace("\\", "/")
    return ascii_only.replace("*/", "*_/").replace("/*", "/_*").replace("??/", "?_/")[:120]


def c_string(text: str) -> str:
    """`text` as a C string literal in UTF-8, every unusual byte escaped."""
    out = []
    for byte in text.encode("utf-8"):
        char = chr(byte)
        plain = " " <= char <= "~" and char not in '"\\?'
        out.append(char if plain else f"\\{char}" if char in '"\\' else f"\\{byte:03o}")
    return '"' + "".join(out) + '"'


def c_float(value: float) -> str:
    """A float literal that reads back as the same float32."""
    text = f"{value:.9g}"
    return f"{text}f" if any(c in text for c in ".en") else f"{text}.0f"


def py_string(text: str) -> str:
    """`text` as a Python string literal in ASCII."""
    return ascii(text)


def float_bytes(values: Sequence[float]) -> str:
    """The bytes of float32 values as a Python literal, for struct's "<f"."""
    return repr(struct.pack(f"<{len(values)}f", *values))


@cache
def environment() -> jinja2.Environment:
    """The environment for templates/: an undefined name is an error, blocks leave no blank lines."""
    env = jinja2.Environment(
        loader=jinja2.FileSystemLoader(str(data_dir("templates"))),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
    )
    env.filters.update(c_identifier=c_identifier, c_comment=c_comment, c_string=c_string, c_float=c_float)
    env.filters.update(py_string=py_string, float_bytes=float_bytes)
    return env


def render(template: str, **context: Any) -> str:
    """The text of templates/`template` for `context`."""
    return environment().get_template(template).render(**context)
