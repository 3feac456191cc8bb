/* mul.h - int8 or int16 product of two operands, broadcast. */
#ifndef TG_MUL_H
#define TG_MUL_H

#include "tg_loops.h"

typedef struct {
    TG_LOOPS_FIELDS
    int32_t input1_offset, input2_offset; /* negated zero points */
    int32_t output_multiplier, output_shift;
    int32_t output_zero_point;
    int32_t activation_min, activation_max;
} tg_mul_params;

/* The zero points of int16 are 0, so that the product stays below 2^31. */
static inline int32_t tg_mul_value(const tg_mul_params *p, int32_t a, int32_t b) {
    const int32_t product = (a + p->input1_offset) * (b + p->input2_offset);
    const int32_t scaled = tg_requantize(product, p->output_multiplier, p->output_shift);
    return tg_clamp(tg_add(scaled, p->output_zero_point), p->activation_min, p->activation_max);
}

TG_BINARY(tg_mul_s8, tg_mul_params, int8_t, int8_t, tg_mul_value(p, *a, *b))
TG_BINARY(tg_mul_s16, tg_mul_params, int16_t, int16_t, tg_mul_value(p, *a, *b))

#endif
