/* leaky_relu.h - int16 values whose negative ones are multiplied by one alpha; int8 goes through lut.h. */
#ifndef TG_LEAKY_RELU_H
#define TG_LEAKY_RELU_H

#include "tg_kernel.h"

typedef struct {
    int32_t count;
    int32_t input_offset; /* the negated zero point of x */
    int32_t positive_multiplier, positive_shift;
    int32_t negative_multiplier, negative_shift;
    int32_t negative_sign; /* of alpha, 1 or -1 */
    int32_t output_zero_point;
} tg_leaky_relu_params;

/* x may be y. */
TG_KERNEL void tg_leaky_relu_s16(const tg_leaky_relu_params *p, const int16_t *x, int16_t *y) {
    for (int32_t i = 0; i < p->count; i++) {
        const int32_t value = x[i] + p->input_offset;
        const int32_t scaled = value >= 0
                                   ? tg_requantize(value, p->positive_multiplier, p->positive_shift)
                                   : p->negative_sign * tg_requantize(value, p->negative_multiplier, p->negative_shift);
        y[i] = (int16_t)tg_clamp(tg_add(scaled, p->output_zero_point), INT16_MIN, INT16_MAX);
    }
}

#endif
