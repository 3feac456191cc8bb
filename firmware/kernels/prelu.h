/* prelu.h - int8 or int16 values whose negative ones are multiplied by an int8 alpha, broadcast. */
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

static inline int32_t tg_prelu_value(const tg_prelu_params *p, int32_t x, int32_t alpha) {
    const int32_t value = x + p->input_offset;
    const int32_t scaled =
        value >= 0 ? tg_requantize(value, p->positive_multiplier, p->positive_shift)
                   : tg_requantize(value * (alpha + p->alpha_offset), p->negative_multiplier, p->negative_shift);
    return tg_add(scaled, p->output_zero_point);
}

TG_BINARY(tg_prelu_s8, tg_prelu_params, int8_t, int8_t, tg_clamp(tg_prelu_value(p, *a, *b), INT8_MIN, INT8_MAX))
TG_BINARY(tg_prelu_s16, tg_prelu_params, int16_t, int8_t, tg_clamp(tg_prelu_value(p, *a, *b), INT16_MIN, INT16_MAX))

#endif
