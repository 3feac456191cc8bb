"""1 / √x of a positive integer in fixed point, on Python integers: what TFLM's RSQRT is made of.

x is scaled by a power of four to [1/4, 1) · 2^29; five Newton-Raphson steps from 1 in Q3.28 give its inverse root, and
the factor √½ makes up for the input's format. All numbers are raw int32.
"""

from __future__ import annotations

from ._gemmlowp import INT_MAX, high_mul, multiply_by_pot
from ._gemmlowp import divide_by_pot as divide

HALF_THREE = (1 << 28) + (1 << 27)
HALF_SQRT_2 = 1518500250


def inverse_sqrt(x: int) -> tuple[int, int]:
    """(multiplier, shift) with 1 / √x ≈ multiplier · 2^(shift - 31); 0 counts as 1."""
    if x <= 1:
        return INT_MAX, 0
    right = 11
    while x >= 1 << 29:
        x //= 4
        right += 1
    pairs = (32 - x.bit_length() - 1) // 2 - 1
    right -= pairs
    scaled = (x << 2 * pairs) >> 1
    half = divide(scaled, 1)
    root = 1 << 28
    for _ in range(5):
        cube = multiply_by_pot(high_mul(high_mul(root, root), root), 6)
        root = multiply_by_pot(high_mul(HALF_THREE, root) - high_mul(half, cube), 3)
    root = high_mul(root, HALF_SQRT_2)
    return (root << -right, 0) if right < 0 else (root, -right)
