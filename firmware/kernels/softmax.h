/* softmax.h - int8 softmax over rows; exp[d] is the exponential of a value d below the row's maximum, in Q0.31. */
#ifndef TG_SOFTMAX_H
#define TG_SOFTMAX_H

#include "tg_reciprocal.h"

typedef struct {
    int32_t rows, depth;
    int32_t table_size; /* values further below the maximum count as 0 */
} tg_softmax_params;

/* The sum of a row is Q12.19; its reciprocal is scaled by the position of its highest bit. */
TG_KERNEL void tg_softmax_s8(const tg_softmax_params *p, const int8_t *x, const int32_t *exp, int8_t *y) {
    for (int32_t row = 0; row < p->rows; row++) {
        int32_t max = INT8_MIN;
        for (int32_t i = 0; i < p->depth; i++) {
            max = tg_max(max, x[i]);
        }
        uint32_t sum = 0;
        for (int32_t i = 0; i < p->depth; i++) {
            const int32_t below = max - x[i];
            sum += below < p->table_size ? (uint32_t)tg_divide_by_pot(exp[below], 12) : 0u;
        }
        int32_t zeros = 0;
        while ((sum & 0x80000000u) == 0u && zeros < 31) {
            sum <<= 1;
            zeros++;
        }
        const int32_t scale = tg_one_over_one_plus((int32_t)(sum - 0x80000000u));
        const int32_t exponent = 35 - zeros; /* beyond 31, from a sum of 512 on, every share rounds to 0 */
        for (int32_t i = 0; i < p->depth; i++) {
            const int32_t below = max - x[i];
            int32_t out = INT8_MIN;
            if (below < p->table_size && exponent <= 31) {
                out += tg_divide_by_pot(tg_high_mul(scale, exp[below]), exponent);
            }
            y[i] = (int8_t)tg_min(out, INT8_MAX);
        }
        x += p->depth;
        y += p->depth;
    }
}

#endif
