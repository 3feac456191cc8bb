/* squared_difference.h - int8 or int16 (a - b)^2 of two operands, broadcast. */
#ifndef TG_SQUARED_DIFFERENCE_H
#define TG_SQUARED_DIFFERENCE_H

#include "tg_loops.h"

typedef struct {
    TG_LOOPS_FIELDS
    int32_t input1_offset, input2_offset; /* negated zero points */
    int32_t input1_multiplier, input2_multiplier;
    int32_t input1_shift, input2_shift; /* to the right */
    int32_t output_multiplier, output_shift;
    int32_t output_zero_point;
} tg_squared_difference_params;

/* Operands with `bits` more bits are scaled to twice the larger input scale. The difference is at most 2^15, as the zero
 * points of int16 are 0, so that the square fits 32 bits. */
static inline int32_t tg_squared_value(const tg_squared_difference_params *p, int32_t a, int32_t b, int32_t bits) {
    const int32_t wide1 = (a + p->input1_offset) * (1 << bits);
    const int32_t wide2 = (b + p->input2_offset) * (1 << bits);
    const int32_t scaled1 = tg_divide_by_pot(tg_high_mul(wide1, p->input1_multiplier), p->input1_shift);
    const int32_t scaled2 = tg_divide_by_pot(tg_high_mul(wide2, p->input2_multiplier), p->input2_shift);
    const int32_t difference = scaled1 - scaled2;
    return tg_add(tg_requantize(difference * difference, p->output_multiplier, p->output_shift), p->output_zero_point);
}

TG_BINARY(tg_squared_difference_s8, tg_squared_difference_params, int8_t, int8_t,
          tg_clamp(tg_squared_value(p, *a, *b, 7), INT8_MIN, INT8_MAX))
TG_BINARY(tg_squared_difference_s16, tg_squared_difference_params, int16_t, int16_t,
          tg_clamp(tg_squared_value(p, *a, *b, 0), INT16_MIN, INT16_MAX))

#endif
