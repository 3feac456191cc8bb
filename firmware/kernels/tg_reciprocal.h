/* tg_reciprocal.h - reciprocals in fixed point, as gemmlowp computes them. */
#ifndef TG_RECIPROCAL_H
#define TG_RECIPROCAL_H

#include "tg_kernel.h"

/* x * 2^bits, saturating. */
static inline int32_t tg_shift_left_saturating(int32_t x, int32_t bits) {
    const int32_t limit = INT32_MAX >> bits;
    return x > limit ? INT32_MAX : x < -limit - 1 ? INT32_MIN : (int32_t)((uint32_t)x << bits);
}

/* 1 / (1 + a) for a in [0, 1), Q0.31, by three Newton-Raphson steps in Q2.29. */
static inline int32_t tg_one_over_one_plus(int32_t a) {
    const int32_t half_denominator = (int32_t)(((uint32_t)a + 0x80000000u) >> 1);
    int32_t x = 1515870810 + tg_high_mul(half_denominator, -1010580540);
    for (int step = 0; step < 3; step++) {
        const int32_t residual = (1 << 29) - tg_high_mul(half_denominator, x);
        x += tg_shift_left_saturating(tg_high_mul(x, residual), 2);
    }
    return tg_shift_left_saturating(x, 1);
}

#endif
