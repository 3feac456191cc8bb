/* matmul_s16.h - int16 rows times int8 weights: fully connected layers and 1x1 convolutions, zero point in the bias. */
#ifndef TG_MATMUL_S16_H
#define TG_MATMUL_S16_H

#include "tg_sums_s16.h"

typedef struct {
    int32_t rows;         /* of x and y */
    int32_t depth;        /* values in a row of x */
    int32_t out_c;        /* values in a row of y */
    int32_t channel_step; /* 1: a multiplier and shift for each output channel; 0: one for the layer */
    int32_t wide, bias64; /* see tg_sums_s16.h */
    int32_t output_zero_point;
    int32_t activation_min;
    int32_t activation_max;
} tg_matmul_s16_params;

/* y[rows, out_c] = requantize(x[rows, depth] * w[out_c, depth]^T + bias). Output channels go in pairs. x and y may not
 * overlap. */
TG_KERNEL void tg_matmul_s16(const tg_matmul_s16_params *p, const int16_t *x, const int8_t *w, const void *bias,
                             const int32_t *multiplier, const int8_t *shift, int16_t *y) {
    for (int32_t row = 0; row < p->rows; row++) {
        const int8_t *weights = w;
        for (int32_t c = 0; c < p->out_c; c += 2) {
            const int32_t pair = c + 1 < p->out_c;
            int64_t sum[2];
            sum[0] = tg_bias_s16(bias, p->bias64, c);
            sum[1] = tg_bias_s16(bias, p->bias64, c + pair);
            tg_add_dots_s16(sum, x, weights, weights + pair * p->depth, p->depth);
            for (int32_t k = 0; k <= pair; k++) {
                const int32_t channel = (c + k) * p->channel_step;
                const int32_t scaled = tg_scale_s16(sum[k], p->wide, multiplier[channel], shift[channel]);
                const int32_t out = tg_add(scaled, p->output_zero_point);
                *y++ = (int16_t)tg_clamp(out, p->activation_min, p->activation_max);
            }
            weights += 2 * p->depth;
        }
        x += p->depth;
    }
}

#endif
