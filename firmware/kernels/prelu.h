/* prelu.h - int8 values whose negative ones are multiplied by alpha, broadcast. */
#ifndef TG_PRELU_H
#define TG_PRELU_H

#include "tg_loops.h"

typedef struct {
    TG_LOOPS_FIELDS
    int32_t input_offset, alpha_offset; /* negated zero points */
    int32_t positive_multiplier, positive_shift;
    int32_t negative_multiplier, negative_shift;
    int32_t output_zero_point;
} tg_prelu_params;

static inline int32_t tg_prelu_value(const tg_prelu_params *p, int32_t value, int32_t alpha) {
    if (value >= 0) {
        return tg_requantize(value, p->positive_multiplier, p->positive_shift);
    }
    return tg_requantize(value * (alpha + p->alpha_offset), p->negative_multiplier, p->negative_shift);
}

TG_KERNEL void tg_prelu_s8(const tg_prelu_params *p, const int8_t *x, const int8_t *alpha, int8_t *y) {
    for (int32_t i = 0; i < p->size[0]; i++) {
        for (int32_t j = 0; j < p->size[1]; j++) {
            for (int32_t k = 0; k < p->size[2]; k++) {
                const int8_t *a = x + i * p->stride1[0] + j * p->stride1[1] + k * p->stride1[2];
                const int8_t *b = alpha + i * p->stride2[0] + j * p->stride2[1] + k * p->stride2[2];
                for (int32_t n = 0; n < p->size[3]; n++) {
                    const int32_t out = tg_prelu_value(p, *a + p->input_offset, *b);
                    *y++ = (int8_t)tg_clamp(tg_add(out, p->output_zero_point), INT8_MIN, INT8_MAX);
                    a += p->stride1[3];
                    b += p->stride2[3];
                }
            }
        }
    }
}

#endif
