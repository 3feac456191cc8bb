/* mul.h - int8 product of two operands, broadcast. */
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

TG_KERNEL void tg_mul_s8(const tg_mul_params *p, const int8_t *x1, const int8_t *x2, int8_t *y) {
    for (int32_t i = 0; i < p->size[0]; i++) {
        for (int32_t j = 0; j < p->size[1]; j++) {
            for (int32_t k = 0; k < p->size[2]; k++) {
                const int8_t *a = x1 + i * p->stride1[0] + j * p->stride1[1] + k * p->stride1[2];
                const int8_t *b = x2 + i * p->stride2[0] + j * p->stride2[1] + k * p->stride2[2];
                for (int32_t n = 0; n < p->size[3]; n++) {
                    const int32_t product = (*a + p->input1_offset) * (*b + p->input2_offset);
                    const int32_t scaled = tg_requantize(product, p->output_multiplier, p->output_shift);
                    const int32_t out = tg_add(scaled, p->output_zero_point);
                    *y++ = (int8_t)tg_clamp(out, p->activation_min, p->activation_max);
                    a += p->stride1[3];
                    b += p->stride2[3];
                }
            }
        }
    }
}

#endif
