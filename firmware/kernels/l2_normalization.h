/* l2_normalization.h - int8 rows divided by their Euclidean length; the output's scale is 1/128, its zero point 0. */
#ifndef TG_L2_NORMALIZATION_H
#define TG_L2_NORMALIZATION_H

#include "tg_inverse_sqrt.h"

typedef struct {
    int32_t rows, depth;
    int32_t input_offset; /* the negated zero point of x */
} tg_l2_params;

/* The sum of squares stays below 2^31. x may be y. */
TG_KERNEL void tg_l2_normalization_s8(const tg_l2_params *p, const int8_t *x, int8_t *y) {
    for (int32_t row = 0; row < p->rows; row++) {
        int32_t sum = 0;
        for (int32_t i = 0; i < p->depth; i++) {
            const int32_t value = x[i] + p->input_offset;
            sum = tg_mac(sum, value, value);
        }
        int32_t shift;
        const int32_t multiplier = tg_inverse_sqrt(sum, &shift);
        for (int32_t i = 0; i < p->depth; i++) {
            const int32_t out = tg_requantize(x[i] + p->input_offset, multiplier, shift + 7);
            y[i] = (int8_t)tg_clamp(out, INT8_MIN, INT8_MAX);
        }
        x += p->depth;
        y += p->depth;
    }
}

#endif
