/* tg_sums_s16.h - sums of int16 activations times int8 weights: biases, products, and what becomes of the sums.
 *
 * A `wide` layer keeps 64 bits and rounds once, by multipliers of 16 bits and shifts to the right. Another one, whose
 * biases are int32 in the model, wraps at 32 bits and rounds as int8 layers do. Biases of wide layers are stored as
 * int32_t where all of the layer's fit, else as int64_t (`bias64`). */
#ifndef TG_SUMS_S16_H
#define TG_SUMS_S16_H

#include "tg_requantize64.h"

/* A product is 2^22 at most: so many of them fit a sum of 32 bits. */
#define TG_SUM_BLOCK 511

/* The bias of channel c as the first summand. */
static inline int64_t tg_bias_s16(const void *bias, int32_t bias64, int32_t c) {
    return bias64 ? ((const int64_t *)bias)[c] : ((const int32_t *)bias)[c];
}

/* The products of n values, which lie a_step and b_step apart. */
static inline int64_t tg_dot_s16(const int16_t *a, int32_t a_step, const int8_t *b, int32_t b_step, int32_t n) {
    int64_t sum = 0;
    while (n > 0) {
        const int32_t block = tg_min(n, TG_SUM_BLOCK);
        int32_t part = 0;
        for (int32_t i = 0; i < block; i++) {
            part += *a * *b;
            a += a_step;
            b += b_step;
        }
        sum += part;
        n -= block;
    }
    return sum;
}

/* Adds the products of n values with two rows of weights: each activation is loaded once for both. */
static inline void tg_add_dots_s16(int64_t sum[2], const int16_t *a, const int8_t *b0, const int8_t *b1, int32_t n) {
    for (int32_t start = 0; start < n; start += TG_SUM_BLOCK) {
        const int32_t end = start + tg_min(n - start, TG_SUM_BLOCK);
        int32_t part0 = 0;
        int32_t part1 = 0;
        for (int32_t i = start; i < end; i++) {
            const int32_t value = a[i];
            part0 += value * b0[i];
            part1 += value * b1[i];
        }
        sum[0] += part0;
        sum[1] += part1;
    }
}

/* The sum at the output's scale, without its zero point. */
static inline int32_t tg_scale_s16(int64_t sum, int32_t wide, int32_t multiplier, int32_t shift) {
    return wide ? tg_requantize64(sum, multiplier, shift) : tg_requantize((int32_t)sum, multiplier, shift);
}

#endif
