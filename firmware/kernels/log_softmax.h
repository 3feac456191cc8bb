/* log_softmax.h - int8 logarithm of a softmax over rows; exp[d] is the exponential of a value d below the row's maximum,
 * in Q0.31. */
#ifndef TG_LOG_SOFTMAX_H
#define TG_LOG_SOFTMAX_H

#include "tg_reciprocal.h"

typedef struct {
    int32_t rows, depth;
    int32_t table_size;        /* values further below the maximum count as 0 in the sum, and give the lowest output */
    int32_t multiplier, shift; /* of the input, to Q5.26 */
    int32_t reverse_multiplier, reverse_shift; /* back again */
} tg_log_softmax_params;

static inline int32_t tg_leading_zeros(int32_t x) {
    uint32_t bits = (uint32_t)x;
    int32_t zeros = 0;
    while ((bits & 0x80000000u) == 0u && zeros < 32) {
        bits <<= 1;
        zeros++;
    }
    return zeros;
}

/* ln x in Q5.26 for x >= 1 in Q12.19: x = 2^e * r with r between 2^-1/2 and 1, e in quarters; a rational function of r. */
static inline int32_t tg_log(int32_t x) {
    const int32_t sqrt_half = 1518500250, root_of_it = 1805811301, quarter = 1 << 23; /* Q0.31, Q0.31, Q6.25 */
    const int32_t half = tg_high_mul(x, sqrt_half);
    const int32_t zeros_x = tg_leading_zeros(x), zeros_half = tg_leading_zeros(half) - 1;
    const int32_t r_x = tg_shift_left_saturating(tg_high_mul(tg_shift_left_saturating(x, zeros_x - 1), sqrt_half), 1);
    const int32_t r_half = tg_shift_left_saturating(x, zeros_half);
    const int32_t e_x = (12 - zeros_x) * (1 << 25) + quarter, e_half = (12 - zeros_half) * (1 << 25) - quarter;
    const int32_t r = tg_min(r_x, r_half), e = tg_max(e_x, e_half);
    const int32_t middle = (int32_t)(((int64_t)r + root_of_it + 1) / 2);
    const int32_t q = 2 * (r - root_of_it);
    const int32_t square = tg_high_mul(q, q);
    const int32_t above = tg_high_mul(q, r) + tg_high_mul(tg_high_mul(q, square), 117049297);
    const int32_t factor = 1057819769 + q + tg_high_mul(127690142, square);
    const int32_t below = tg_high_mul(middle, factor) + tg_high_mul(638450708, q);
    const int32_t fraction = tg_high_mul(tg_divide_by_pot(above, 6), tg_one_over_one_plus(below));
    return tg_shift_left_saturating(tg_high_mul(e, 1488522236) + fraction, 1);
}

/* The sum of a row is Q12.19. The output is Q4.4, 127 for the logarithm of 1. */
TG_KERNEL void tg_log_softmax_s8(const tg_log_softmax_params *p, const int8_t *x, const int32_t *exp, int8_t *y) {
    for (int32_t row = 0; row < p->rows; row++) {
        int32_t max = INT8_MIN;
        for (int32_t i = 0; i < p->depth; i++) {
            max = tg_max(max, x[i]);
        }
        int32_t sum = 0;
        for (int32_t i = 0; i < p->depth; i++) {
            const int32_t below = max - x[i];
            sum += below < p->table_size ? tg_divide_by_pot(exp[below], 12) : 0;
        }
        const int32_t log = tg_log(sum);
        const int32_t reach = tg_requantize(tg_add(log, INT32_MIN), p->reverse_multiplier, p->reverse_shift);
        const int32_t lowest = tg_max(-p->table_size, reach);
        for (int32_t i = 0; i < p->depth; i++) {
            const int32_t difference = x[i] - max;
            int32_t out = INT8_MIN;
            if (difference > lowest) {
                const int32_t real = tg_add(tg_requantize(difference, p->multiplier, p->shift), -log);
                out = tg_clamp(tg_divide_by_pot(real, 22) + INT8_MAX, INT8_MIN, INT8_MAX);
            }
            y[i] = (int8_t)out;
        }
        x += p->depth;
        y += p->depth;
    }
}

#endif
