/* tg_kernel.h - what every kernel builds on: linkage, wrapping arithmetic, requantization with double rounding. */
#ifndef TG_KERNEL_H
#define TG_KERNEL_H

#include "tg.h"

/* Kernels are weak: several models rendered by one version of tinygen share them in one program. A port without weak
 * symbols defines TG_KERNEL as static. */
#ifndef TG_KERNEL
#if defined(__GNUC__)
#define TG_KERNEL __attribute__((weak))
#else
#define TG_KERNEL static
#endif
#endif

/* Accumulators wrap modulo 2^32, as the reference's do. */
static inline int32_t tg_add(int32_t a, int32_t b) { return (int32_t)((uint32_t)a + (uint32_t)b); }

static inline int32_t tg_mac(int32_t acc, int32_t x, int32_t w) {
    return (int32_t)((uint32_t)acc + (uint32_t)x * (uint32_t)w);
}

static inline int32_t tg_clamp(int32_t x, int32_t low, int32_t high) { return x < low ? low : x > high ? high : x; }

static inline int32_t tg_min(int32_t a, int32_t b) { return a < b ? a : b; }

static inline int32_t tg_max(int32_t a, int32_t b) { return a > b ? a : b; }

/* round(a * b / 2^31), ties towards positive infinity; b is a multiplier, 0 or in [2^30, 2^31). */
static inline int32_t tg_high_mul(int32_t a, int32_t b) {
    return (int32_t)(((int64_t)a * b + ((int64_t)1 << 30)) >> 31);
}

/* x / 2^exponent, ties away from zero; exponent in [0, 31]. */
static inline int32_t tg_divide_by_pot(int32_t x, int32_t exponent) {
    const int32_t mask = (int32_t)(((uint32_t)1 << exponent) - 1u);
    const int32_t rest = x & mask;
    const int32_t threshold = (int32_t)((uint32_t)mask >> 1) + (x < 0);
    return (x >> exponent) + (rest > threshold);
}

/* x * multiplier * 2^(shift - 31): a positive shift is to the left, in [-31, 30]. Two roundings, as in TFLM. */
static inline int32_t tg_requantize(int32_t x, int32_t multiplier, int32_t shift) {
    const int32_t left = shift > 0 ? shift : 0;
    const int32_t right = shift > 0 ? 0 : -shift;
    return tg_divide_by_pot(tg_high_mul((int32_t)((uint32_t)x << left), multiplier), right);
}

#endif
