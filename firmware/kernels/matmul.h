/* matmul.h - int8 rows times int8 weights: fully connected layers and 1x1 convolutions, zero point in the bias. */
#ifndef TG_MATMUL_H
#define TG_MATMUL_H

#include "tg_kernel.h"

typedef struct {
    int32_t rows;         /* of x and y */
    int32_t depth;        /* values in a row of x */
    int32_t out_c;        /* values in a row of y */
    int32_t channel_step; /* 1: a multiplier and shift for each output channel; 0: one for the layer */
    int32_t output_zero_point;
    int32_t activation_min;
    int32_t activation_max;
} tg_matmul_params;

/* y[rows, out_c] = requantize(x[rows, depth] * w[out_c, depth]^T + bias). Output channels go in pairs, so that each
 * activation is loaded once for two of them. x and y may not overlap. */
TG_KERNEL void tg_matmul_s8(const tg_matmul_params *p, const int8_t *x, const int8_t *w, const int32_t *bias,
                            const int32_t *multiplier, const int8_t *shift, int8_t *y) {
    const int32_t depth = p->depth;
    const int32_t step = p->channel_step;
    for (int32_t row = 0; row < p->rows; row++) {
        const int8_t *weights = w;
        for (int32_t c = 0; c < p->out_c; c += 2) {
            const int pair = c + 1 < p->out_c;
            const int8_t *second = pair ? weights + depth : weights;
            int32_t acc[2];
            int32_t a = bias[c];
            int32_t b = pair ? bias[c + 1] : 0;
            for (int32_t i = 0; i < depth; i++) {
                const int32_t value = x[i];
                a = tg_mac(a, value, weights[i]);
                b = tg_mac(b, value, second[i]);
            }
            acc[0] = a;
            acc[1] = b;
            for (int32_t k = 0; k <= pair; k++) {
                const int32_t channel = (c + k) * step;
                const int32_t scaled = tg_requantize(acc[k], multiplier[channel], shift[channel]);
                const int32_t out = tg_add(scaled, p->output_zero_point);
                *y++ = (int8_t)tg_clamp(out, p->activation_min, p->activation_max);
            }
            weights += 2 * depth;
        }
        x += depth;
    }
}

#endif
