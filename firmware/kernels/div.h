/* div.h - int8 quotient of two operands, broadcast. */
#ifndef TG_DIV_H
#define TG_DIV_H

#include "tg_loops.h"
#include "tg_reciprocal.h"

typedef struct {
    TG_LOOPS_FIELDS
    int32_t input1_offset, input2_offset; /* negated zero points */
    int32_t output_multiplier, output_shift;
    int32_t output_zero_point;
    int32_t activation_min, activation_max;
} tg_div_params;

/* x * 2^shift, rounded or saturated. */
static inline int32_t tg_div_scaled(int32_t x, int32_t shift) {
    if (shift >= 0) {
        return shift > 30 ? (x > 0 ? INT32_MAX : x < 0 ? INT32_MIN : 0) : tg_shift_left_saturating(x, shift);
    }
    return shift < -31 ? 0 : tg_divide_by_pot(x, -shift);
}

/* The divisor becomes m * 2^(bits - 31) with m in [2^31, 2^32), the dividend takes all of its 32 bits. The reference
 * stops at a divisor of 0 and where the shift is not between -31 and 0; here the quotient then saturates or is 0. */
static inline int32_t tg_div_value(const tg_div_params *p, int32_t dividend, int32_t divisor) {
    if (divisor == 0) {
        return dividend > 0 ? p->activation_max : dividend < 0 ? p->activation_min : p->output_zero_point;
    }
    if (divisor < 0) {
        dividend = -dividend;
        divisor = -divisor;
    }
    int32_t bits = 31;
    uint32_t normal = (uint32_t)divisor;
    while ((normal & 0x80000000u) == 0u) {
        normal <<= 1;
        bits--;
    }
    const int32_t inverse = tg_one_over_one_plus((int32_t)(normal - 0x80000000u));
    int32_t headroom = 0;
    uint32_t wide = (uint32_t)dividend;
    while (headroom < 31 && ((wide ^ (wide << 1)) & 0x80000000u) == 0u) {
        wide <<= 1;
        headroom++;
    }
    const int32_t quotient = tg_high_mul(tg_high_mul((int32_t)wide, inverse), p->output_multiplier);
    const int32_t scaled = tg_div_scaled(quotient, p->output_shift - bits - headroom);
    return tg_add(tg_clamp(scaled, -65536, 65536), p->output_zero_point);
}

TG_KERNEL void tg_div_s8(const tg_div_params *p, const int8_t *x1, const int8_t *x2, int8_t *y) {
    for (int32_t i = 0; i < p->size[0]; i++) {
        for (int32_t j = 0; j < p->size[1]; j++) {
            for (int32_t k = 0; k < p->size[2]; k++) {
                const int8_t *a = x1 + i * p->stride1[0] + j * p->stride1[1] + k * p->stride1[2];
                const int8_t *b = x2 + i * p->stride2[0] + j * p->stride2[1] + k * p->stride2[2];
                for (int32_t n = 0; n < p->size[3]; n++) {
                    const int32_t out = tg_div_value(p, *a + p->input1_offset, *b + p->input2_offset);
                    *y++ = (int8_t)tg_clamp(out, p->activation_min, p->activation_max);
                    a += p->stride1[3];
                    b += p->stride2[3];
                }
            }
        }
    }
}

#endif
