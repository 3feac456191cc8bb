"""gemmlowp's fixed-point functions on Python integers: what TFLM's softmax, logistic and tanh are made of.

Numbers are raw int32 of Qm.n with m integer bits (n = 31 - m). The constants are those of the Taylor expansions and
Newton-Raphson steps that the reference evaluates; each function was held to it on whole input ranges.
"""

from __future__ import annotations

INT_MAX = (1 << 31) - 1
INT_MIN = -(1 << 31)


def saturate(x: int) -> int:
    """`x` held to int32."""
    return max(INT_MIN, min(INT_MAX, x))


def high_mul(a: int, b: int) -> int:
    """Saturating rounding doubling high multiply."""
    return INT_MAX if a == b == INT_MIN else (a * b + (1 << 30)) >> 31


def divide_by_pot(x: int, exponent: int) -> int:
    """x / 2^exponent, ties away from zero."""
    mask = (1 << exponent) - 1
    return (x >> exponent) + ((x & mask) > (mask >> 1) + (x < 0))


def multiply_by_pot(x: int, exponent: int) -> int:
    """x · 2^exponent, saturating, rounding where the exponent is negative."""
    return saturate(x << exponent) if exponent >= 0 else divide_by_pot(x, -exponent)


def exp_on_negative(a: int, integer_bits: int) -> int:
    """exp(a) in Q0.31 for a ≤ 0 in Q`integer_bits`."""
    if a == 0:
        return INT_MAX
    fractional = 31 - integer_bits
    quarter = 1 << (fractional - 2)
    rest = (a & (quarter - 1)) - quarter
    result = _exp_last_quarter(multiply_by_pot(rest, integer_bits))
    remainder = rest - a
    factors = (1672461947, 1302514674, 790015084, 290630308, 39332535, 720401, 242)  # exp(-2^e), e = -2 … 4
    for exponent, factor in zip(range(-2, 5), factors):
        if integer_bits > exponent and remainder & (1 << (fractional + exponent)):
            result = high_mul(result, factor)
    if integer_bits > 5 and a < -(1 << (fractional + 5)):
        return 0
    return result


def _exp_last_quarter(a: int) -> int:
    """exp(a) for a in [-1/4, 0), Q0.31: a Taylor polynomial of degree 4 around -1/8."""
    x = a + (1 << 28)
    x2 = high_mul(x, x)
    x3 = high_mul(x2, x)
    x4_over_4 = divide_by_pot(high_mul(x2, x2), 2)
    tail = divide_by_pot(high_mul(x4_over_4 + x3, 715827883) + x2, 1)
    return 1895147668 + high_mul(1895147668, x + tail)


def one_over_one_plus(a: int) -> int:
    """1 / (1 + a) for a in [0, 1), Q0.31."""
    return multiply_by_pot(_two_over_one_plus(a), 1)


def one_minus_over_one_plus(a: int) -> int:
    """(1 - a) / (1 + a) for a in [0, 1), Q0.31."""
    return multiply_by_pot(_two_over_one_plus(a) - (1 << 29), 2)


def _two_over_one_plus(a: int) -> int:
    """2 / (1 + a) for a in [0, 1), Q2.29: three Newton-Raphson steps."""
    half_denominator = (a + INT_MAX + 1) >> 1
    x = 1515870810 + high_mul(half_denominator, -1010580540)
    for _ in range(3):
        residual = (1 << 29) - high_mul(half_denominator, x)
        x = x + multiply_by_pot(high_mul(x, residual), 2)
    return x


def logistic(a: int, integer_bits: int) -> int:
    """1 / (1 + exp(-a)) in Q0.31 for a in Q`integer_bits`; exactly one half at 0."""
    if a == 0:
        return 1 << 30
    positive = one_over_one_plus(exp_on_negative(-abs(a), integer_bits))
    return positive if a > 0 else INT_MAX - positive


def tanh(a: int, integer_bits: int) -> int:
    """tanh(a) in Q0.31 for a in Q`integer_bits`; doubling the argument is one more integer bit."""
    if a == 0:
        return 0
    positive = one_minus_over_one_plus(exp_on_negative(-abs(a), integer_bits + 1))
    return positive if a > 0 else -positive
