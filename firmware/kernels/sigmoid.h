/* sigmoid.h - int16 logistic function and hyperbolic tangent, interpolated in one table; int8 goes through lut.h. */
#ifndef TG_SIGMOID_H
#define TG_SIGMOID_H

#include "tg_kernel.h"

typedef struct {
    int32_t count;
    int32_t multiplier, shift; /* to the right: brings x to 1/3 of 2^-12 */
} tg_sigmoid_params;

/* table[i] is 1 / (1 + exp(-i / 24)) - 1/2 in Q16, 256 values. A scaled x has `fraction` bits between two of them; the
 * interpolated value is held to `last`, takes the sign of x and loses `drop` bits, rounded. */
static inline int32_t tg_sigmoid_half(const tg_sigmoid_params *p, int32_t x, const int16_t *table, int32_t fraction,
                                      int32_t last, int32_t drop) {
    const int32_t round = p->shift > 0 ? 1 << (p->shift - 1) : 0;
    const int32_t scaled = (x * p->multiplier + round) >> p->shift;
    const int32_t size = scaled < 0 ? -scaled : scaled;
    const int32_t at = size >> fraction;
    int32_t half = last;
    if (at < 255) {
        half = table[at] * (1 << fraction) + (size & ((1 << fraction) - 1)) * (table[at + 1] - table[at]);
    }
    return ((scaled < 0 ? -half - 1 : half) + (1 << (drop - 1))) >> drop;
}

/* x may be y. */
TG_KERNEL void tg_logistic_s16(const tg_sigmoid_params *p, const int16_t *x, const int16_t *table, int16_t *y) {
    for (int32_t i = 0; i < p->count; i++) {
        y[i] = (int16_t)(16384 + tg_sigmoid_half(p, x[i], table, 9, 32766 * 512, 10));
    }
}

/* tanh(x) = 2 / (1 + exp(-2 x)) - 1. x may be y. */
TG_KERNEL void tg_tanh_s16(const tg_sigmoid_params *p, const int16_t *x, const int16_t *table, int16_t *y) {
    for (int32_t i = 0; i < p->count; i++) {
        y[i] = (int16_t)tg_sigmoid_half(p, x[i], table, 8, 32767 * 256, 8);
    }
}

#endif
