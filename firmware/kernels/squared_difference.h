/* squared_difference.h - int8 (a - b)^2 of two operands, broadcast. */
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

/* Each operand gets 7 more bits and is scaled to twice the larger input scale; the square fits 32 bits. */
TG_KERNEL void tg_squared_difference_s8(const tg_squared_difference_params *p, const int8_t *x1, const int8_t *x2,
                                        int8_t *y) {
    for (int32_t i = 0; i < p->size[0]; i++) {
        for (int32_t j = 0; j < p->size[1]; j++) {
            for (int32_t k = 0; k < p->size[2]; k++) {
                const int8_t *a = x1 + i * p->stride1[0] + j * p->stride1[1] + k * p->stride1[2];
                const int8_t *b = x2 + i * p->stride2[0] + j * p->stride2[1] + k * p->stride2[2];
                for (int32_t n = 0; n < p->size[3]; n++) {
                    const int32_t wide1 = (*a + p->input1_offset) * (1 << 7);
                    const int32_t wide2 = (*b + p->input2_offset) * (1 << 7);
                    const int32_t scaled1 = tg_divide_by_pot(tg_high_mul(wide1, p->input1_multiplier), p->input1_shift);
                    const int32_t scaled2 = tg_divide_by_pot(tg_high_mul(wide2, p->input2_multiplier), p->input2_shift);
                    const int32_t difference = scaled1 - scaled2;
                    const int32_t scaled =
                        tg_requantize(difference * difference, p->output_multiplier, p->output_shift);
                    *y++ = (int8_t)tg_clamp(tg_add(scaled, p->output_zero_point), INT8_MIN, INT8_MAX);
                    a += p->stride1[3];
                    b += p->stride2[3];
                }
            }
        }
    }
}

#endif
