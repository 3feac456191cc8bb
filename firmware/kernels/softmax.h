/* softmax.h - softmax over int8 rows; exp[d] is the exponential of a value d below the row's maximum, in Q0.31. */
#ifndef TG_SOFTMAX_H
#define TG_SOFTMAX_H

#include "tg_reciprocal.h"

typedef struct {
    int32_t rows, depth;
    int32_t table_size; /* values further below the maximum count as 0 */
} tg_softmax_params;

/* The sum of a row is Q12.19; its reciprocal is scaled by the position of its highest bit. `bits` are those of y. */
#define TG_SOFTMAX(name, type, bits, low, high)                                                     \
    TG_KERNEL void name(const tg_softmax_params *p, const int8_t *x, const int32_t *exp, type *y) { \
        for (int32_t row = 0; row < p->rows; row++) {                                               \
            int32_t max = INT8_MIN;                                                                 \
            for (int32_t i = 0; i < p->depth; i++) {                                                \
                max = tg_max(max, x[i]);                                                            \
            }                                                                                       \
            uint32_t sum = 0;                                                                       \
            for (int32_t i = 0; i < p->depth; i++) {                                                \
                const int32_t below = max - x[i];                                                   \
                sum += below < p->table_size ? (uint32_t)tg_divide_by_pot(exp[below], 12) : 0u;     \
            }                                                                                       \
            int32_t zeros = 0;                                                                      \
            while ((sum & 0x80000000u) == 0u && zeros < 31) {                                       \
                sum <<= 1;                                                                          \
                zeros++;                                                                            \
            }                                                                                       \
            const int32_t scale = tg_one_over_one_plus((int32_t)(sum - 0x80000000u));               \
            const int32_t exponent = 43 - bits - zeros;                                             \
            for (int32_t i = 0; i < p->depth; i++) {                                                \
                const int32_t below = max - x[i];                                                   \
                int32_t out = low;                                                                  \
                if (below < p->table_size && exponent <= 31) {                                      \
                    out += tg_divide_by_pot(tg_high_mul(scale, exp[below]), exponent);              \
                }                                                                                   \
                y[i] = (type)tg_min(out, high);                                                     \
            }                                                                                       \
            x += p->depth;                                                                          \
            y += p->depth;                                                                          \
        }                                                                                           \
    }

/* The exponent passes 31 in int8 alone, from a sum of 512 on, where every share rounds to 0. */
TG_SOFTMAX(tg_softmax_s8, int8_t, 8, INT8_MIN, INT8_MAX)
TG_SOFTMAX(tg_softmax_s8_s16, int16_t, 16, INT16_MIN, INT16_MAX)

#endif
