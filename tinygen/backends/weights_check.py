"""The integrity check of the constants: the CRC-32 of their struct as a little-endian target lays it out.

Members stand widest first, so none is padded: the struct's first bytes are the arrays one after the other. The padding
at its end, which C leaves open, is not counted. Look-up tables and parameters stand beside the code, outside of it.
"""

from __future__ import annotations

import zlib

import numpy as np

from .constants import Field, Pool
from .templating import render

_LAYOUT = {"int8_t": "<i1", "uint8_t": "<u1", "int16_t": "<i2", "int32_t": "<i4", "float": "<f4", "int64_t": "<i8"}


def weights_image(pool: Pool) -> bytes:
    """The bytes of the constants' struct in a little-endian target's memory, without the padding at its end."""
    return b"".join(_field_image(field) for field in pool.fields)


def _field_image(field: Field) -> bytes:
    return np.ascontiguousarray(field.data).astype(_LAYOUT[field.ctype]).tobytes()


def render_weights_check(pool: Pool, model: str, version: str) -> str:
    """The file that checks a model's constants: on its own, so that who does not call it does not link it."""
    image = weights_image(pool)
    return render(
        "aot/check.c.j2", model=model, tinygen=version, image_bytes=len(image), crc32=f"0x{zlib.crc32(image):08X}u"
    )
