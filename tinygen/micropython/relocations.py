"""Relocations that position independent code needs, applied to a blob that has no other: what is absolute is refused.

Sources of the formulas and fields: "ELF for the Arm Architecture" (AAELF32) and the Arm ARM's Thumb encodings; "RISC-V
ELF psABI"; "System V ABI, AMD64 supplement".
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass

Read = Callable[[int], int]


class RelocationError(Exception):
    """Why a relocation cannot be applied; the linker adds where."""


@dataclass(frozen=True)
class Place:
    """Where and to what: `at` and `target` are offsets in the blob, `addend` is None where it lies in the field.

    `is_code` says that the target is a Thumb function. `high_of(offset)` is the target (with its addend) that the
    RISC-V PCREL_HI20 at that offset has.
    """

    at: int
    target: int
    addend: int | None
    is_code: bool
    high_of: Callable[[int], int]


def _fits(value: int, bits: int) -> int:
    if not -(1 << (bits - 1)) <= value < 1 << (bits - 1):
        raise RelocationError(f"a distance of {value} does not fit {bits} bits")
    return value


def _even(value: int) -> int:
    if value & 1:
        raise RelocationError(f"a distance of {value} is odd")
    return value


def _signed(value: int, bits: int) -> int:
    return value - (1 << bits) if value >> (bits - 1) & 1 else value


def _u16(blob: bytearray, at: int) -> int:
    return int(struct.unpack_from("<H", blob, at)[0])


def _u32(blob: bytearray, at: int) -> int:
    return int(struct.unpack_from("<I", blob, at)[0])


def _relative32(blob: bytearray, place: Place, *, thumb: bool = False) -> None:
    addend = _signed(_u32(blob, place.at), 32) if place.addend is None else place.addend
    value = place.target + addend
    if thumb and place.is_code:
        value |= 1
    struct.pack_into("<i", blob, place.at, _fits(value - place.at, 32))


# Arm, Thumb


def _thumb_branch(blob: bytearray, place: Place) -> None:
    """BL (T1) and B.W (T4): 24 bits in halfwords, I1 and I2 the XNOR of J and the sign."""
    high, low = _u16(blob, place.at), _u16(blob, place.at + 2)
    if place.addend is None:
        sign = high >> 10 & 1
        i1, i2 = (low >> 13 & 1) ^ sign ^ 1, (low >> 11 & 1) ^ sign ^ 1
        addend = _signed(sign << 24 | i1 << 23 | i2 << 22 | (high & 0x3FF) << 12 | (low & 0x7FF) << 1, 25)
    else:
        addend = place.addend
    value = _fits(_even(place.target + addend - place.at), 25)
    sign = value >> 24 & 1
    j1, j2 = (value >> 23 & 1) ^ sign ^ 1, (value >> 22 & 1) ^ sign ^ 1
    high = high & 0xF800 | sign << 10 | value >> 12 & 0x3FF
    low = low & 0xD000 | j1 << 13 | j2 << 11 | value >> 1 & 0x7FF
    struct.pack_into("<HH", blob, place.at, high, low)


def _thumb_short(blob: bytearray, place: Place, bits: int) -> None:
    """B (T1: 8 bits of halfwords, T2: 11)."""
    code, mask = _u16(blob, place.at), (1 << bits) - 1
    addend = _signed(code & mask, bits) * 2 if place.addend is None else place.addend
    value = _fits(_even(place.target + addend - place.at), bits + 1)
    struct.pack_into("<H", blob, place.at, code & ~mask & 0xFFFF | value >> 1 & mask)


def _thumb_move(blob: bytearray, place: Place, *, top: bool) -> None:
    """MOVW and MOVT of a distance: imm4 : i : imm3 : imm8."""
    high, low = _u16(blob, place.at), _u16(blob, place.at + 2)
    found = (high & 0xF) << 12 | (high >> 10 & 1) << 11 | (low >> 12 & 7) << 8 | low & 0xFF
    addend = _signed(found, 16) if place.addend is None else place.addend
    value = (place.target + addend | (1 if place.is_code and not top else 0)) - place.at
    part = value >> 16 & 0xFFFF if top else value & 0xFFFF
    high = high & 0xFBF0 | part >> 12 & 0xF | (part >> 11 & 1) << 10
    low = low & 0x8F00 | (part >> 8 & 7) << 12 | part & 0xFF
    struct.pack_into("<HH", blob, place.at, high, low)


# RISC-V


def _place_bits(blob: bytearray, at: int, size: int, mask: int, bits: int) -> None:
    code = _u16(blob, at) if size == 2 else _u32(blob, at)
    struct.pack_into("<H" if size == 2 else "<I", blob, at, code & ~mask | bits & mask)


def _spread(value: int, *fields: tuple[int, int, int]) -> int:
    """The bits of an instruction: each field is (from bit of the value, bits, to bit of the instruction)."""
    return sum((value >> start & (1 << count) - 1) << to for start, count, to in fields)


def _distance(place: Place) -> int:
    return place.target + (place.addend or 0) - place.at


def _riscv_call(blob: bytearray, place: Place) -> None:
    """AUIPC and JALR, eight bytes."""
    value = _fits(_distance(place), 32)
    _place_bits(blob, place.at, 4, 0xFFFFF000, value + 0x800)
    _place_bits(blob, place.at + 4, 4, 0xFFF00000, value << 20)


def _riscv_high(blob: bytearray, place: Place) -> None:
    _place_bits(blob, place.at, 4, 0xFFFFF000, _fits(_distance(place), 32) + 0x800)


def _riscv_low(blob: bytearray, place: Place, *, store: bool) -> None:
    value = place.high_of(place.target) - place.target
    if store:
        _place_bits(blob, place.at, 4, 0xFE000F80, _spread(value, (0, 5, 7), (5, 7, 25)))
    else:
        _place_bits(blob, place.at, 4, 0xFFF00000, value << 20)


def _riscv_branch(blob: bytearray, place: Place) -> None:
    value = _fits(_even(_distance(place)), 13)
    _place_bits(blob, place.at, 4, 0xFE000F80, _spread(value, (11, 1, 7), (1, 4, 8), (5, 6, 25), (12, 1, 31)))


def _riscv_jal(blob: bytearray, place: Place) -> None:
    value = _fits(_even(_distance(place)), 21)
    _place_bits(blob, place.at, 4, 0xFFFFF000, _spread(value, (12, 8, 12), (11, 1, 20), (1, 10, 21), (20, 1, 31)))


def _riscv_short_branch(blob: bytearray, place: Place) -> None:
    value = _fits(_even(_distance(place)), 9)
    fields = ((5, 1, 2), (1, 2, 3), (6, 2, 5), (3, 2, 10), (8, 1, 12))
    _place_bits(blob, place.at, 2, 0x1C7C, _spread(value, *fields))


def _riscv_short_jump(blob: bytearray, place: Place) -> None:
    value = _fits(_even(_distance(place)), 12)
    fields = ((5, 1, 2), (1, 3, 3), (7, 1, 6), (6, 1, 7), (10, 1, 8), (8, 2, 9), (4, 1, 11), (11, 1, 12))
    _place_bits(blob, place.at, 2, 0x1FFC, _spread(value, *fields))


def _riscv_sum(blob: bytearray, place: Place, *, bits: int, sign: int) -> None:
    """ADDn and SUBn: what lies there plus or minus the target; of a pair the blob's own address falls out."""
    size = bits // 8
    found = int.from_bytes(blob[place.at : place.at + size], "little")
    value = found + sign * (place.target + (place.addend or 0)) & (1 << bits) - 1
    blob[place.at : place.at + size] = value.to_bytes(size, "little")


def _nothing(blob: bytearray, place: Place) -> None:
    """A hint to a linker that shortens code: ours does not."""


Apply = Callable[[bytearray, Place], None]

#: Kind -> (bytes of the field, how it is filled).
ARM: dict[str, tuple[int, Apply]] = {
    "R_ARM_NONE": (0, _nothing),
    "R_ARM_V4BX": (0, _nothing),
    "R_ARM_REL32": (4, lambda b, p: _relative32(b, p, thumb=True)),
    "R_ARM_THM_CALL": (4, _thumb_branch),
    "R_ARM_THM_JUMP24": (4, _thumb_branch),
    "R_ARM_THM_JUMP11": (2, lambda b, p: _thumb_short(b, p, 11)),
    "R_ARM_THM_JUMP8": (2, lambda b, p: _thumb_short(b, p, 8)),
    "R_ARM_THM_MOVW_PREL_NC": (4, lambda b, p: _thumb_move(b, p, top=False)),
    "R_ARM_THM_MOVT_PREL": (4, lambda b, p: _thumb_move(b, p, top=True)),
}
RISCV: dict[str, tuple[int, Apply]] = {
    "R_RISCV_NONE": (0, _nothing),
    "R_RISCV_RELAX": (0, _nothing),
    "R_RISCV_ALIGN": (0, _nothing),
    "R_RISCV_CALL": (8, _riscv_call),
    "R_RISCV_CALL_PLT": (8, _riscv_call),
    "R_RISCV_PCREL_HI20": (4, _riscv_high),
    "R_RISCV_PCREL_LO12_I": (4, lambda b, p: _riscv_low(b, p, store=False)),
    "R_RISCV_PCREL_LO12_S": (4, lambda b, p: _riscv_low(b, p, store=True)),
    "R_RISCV_BRANCH": (4, _riscv_branch),
    "R_RISCV_JAL": (4, _riscv_jal),
    "R_RISCV_RVC_BRANCH": (2, _riscv_short_branch),
    "R_RISCV_RVC_JUMP": (2, _riscv_short_jump),
    "R_RISCV_32_PCREL": (4, _relative32),
    "R_RISCV_ADD8": (1, lambda b, p: _riscv_sum(b, p, bits=8, sign=1)),
    "R_RISCV_ADD16": (2, lambda b, p: _riscv_sum(b, p, bits=16, sign=1)),
    "R_RISCV_ADD32": (4, lambda b, p: _riscv_sum(b, p, bits=32, sign=1)),
    "R_RISCV_SUB8": (1, lambda b, p: _riscv_sum(b, p, bits=8, sign=-1)),
    "R_RISCV_SUB16": (2, lambda b, p: _riscv_sum(b, p, bits=16, sign=-1)),
    "R_RISCV_SUB32": (4, lambda b, p: _riscv_sum(b, p, bits=32, sign=-1)),
}
X64: dict[str, tuple[int, Apply]] = {
    "R_X86_64_NONE": (0, _nothing),
    "R_X86_64_PC32": (4, _relative32),
    "R_X86_64_PLT32": (4, _relative32),
}
BY_MACHINE = {"EM_ARM": ARM, "EM_RISCV": RISCV, "EM_X86_64": X64}
