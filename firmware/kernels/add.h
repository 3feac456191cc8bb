/* add.h - int8 or int16 sum or difference of two operands, broadcast. */
#ifndef TG_ADD_H
#define TG_ADD_H

#include "tg_loops.h"

typedef struct {
    TG_LOOPS_FIELDS
    int32_t input1_offset, input2_offset; /* negated zero points */
    int32_t input1_multiplier, input2_multiplier;
    int32_t input1_shift, input2_shift; /* to the right */
    int32_t input2_sign;                /* 1 adds, -1 subtracts */
    int32_t output_multiplier, output_shift;
    int32_t output_zero_point;
    int32_t activation_min, activation_max;
} tg_add_params;

/* Operands with `bits` more bits are scaled to twice the larger input scale; their sum is scaled to the output. */
static inline int32_t tg_add_value(const tg_add_params *p, int32_t a, int32_t b, int32_t bits) {
    const int32_t wide1 = (a + p->input1_offset) * (1 << bits);
    const int32_t wide2 = (b + p->input2_offset) * (1 << bits);
    const int32_t scaled1 = tg_divide_by_pot(tg_high_mul(wide1, p->input1_multiplier), p->input1_shift);
    const int32_t scaled2 = tg_divide_by_pot(tg_high_mul(wide2, p->input2_multiplier), p->input2_shift);
    const int32_t sum = scaled1 + p->input2_sign * scaled2;
    const int32_t out = tg_divide_by_pot(tg_high_mul(sum, p->output_multiplier), p->output_shift);
    return tg_clamp(out + p->output_zero_point, p->activation_min, p->activation_max);
}

TG_BINARY(tg_add_s8, tg_add_params, int8_t, int8_t, tg_add_value(p, *a, *b, 20))
TG_BINARY(tg_add_s16, tg_add_params, int16_t, int16_t, tg_add_value(p, *a, *b, 15))

#endif
