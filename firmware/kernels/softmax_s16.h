/* softmax_s16.h - int16 softmax over rows, with tables of exp and of the reciprocal. */
#ifndef TG_SOFTMAX_S16_H
#define TG_SOFTMAX_S16_H

#include "tg_kernel.h"

typedef struct {
    int32_t rows, depth;
    int32_t multiplier, shift; /* from a difference to 10 / 65535 */
} tg_softmax_s16_params;

/* Between the 513 places of a table that stand 128 apart, from -32768 on. */
static inline int32_t tg_interpolate(const int16_t *table, int32_t value) {
    const int32_t at = 256 + (value >> 7);
    return table[at] + (((table[at + 1] - table[at]) * (value & 127) + 64) >> 7);
}

/* exp(x - max) in Q15, of every value of a row to y; returns their sum. */
static inline int32_t tg_softmax_exponentials(const tg_softmax_s16_params *p, const int16_t *x, const int16_t *exp,
                                              int16_t *y) {
    int32_t max = INT16_MIN;
    for (int32_t i = 0; i < p->depth; i++) {
        max = tg_max(max, x[i]);
    }
    int32_t sum = 0;
    for (int32_t i = 0; i < p->depth; i++) {
        const int32_t scaled = tg_requantize(x[i] - max, p->multiplier, p->shift);
        y[i] = (int16_t)tg_interpolate(exp, tg_max(scaled, -65535) + 32767);
        sum += y[i];
    }
    return sum;
}

/* The sum, below 2^31, is m * 2^k with m from 1 to 2: each value is multiplied by 1 / m and shifted by k. */
TG_KERNEL void tg_softmax_s16(const tg_softmax_s16_params *p, const int16_t *x, const int16_t *exp,
                              const int16_t *reciprocal, int16_t *y) {
    for (int32_t row = 0; row < p->rows; row++) {
        uint32_t sum = (uint32_t)tg_softmax_exponentials(p, x, exp, y);
        int32_t shift = 30;
        while ((sum & 0x40000000u) == 0u) {
            sum <<= 1;
            shift--;
        }
        const int32_t place = (int32_t)((sum + (1u << 13)) >> 14) - 98304;
        const int32_t scale = tg_interpolate(reciprocal, tg_min(place, INT16_MAX));
        for (int32_t i = 0; i < p->depth; i++) {
            y[i] = (int16_t)tg_clamp((y[i] * scale + (1 << (shift - 1))) >> shift, 0, INT16_MAX);
        }
        x += p->depth;
        y += p->depth;
    }
}

#endif
