/* matmul_s16.h - int16 rows times int8 weights: fully connected layers and 1x1 convolutions, zero point in the bias. */
#ifndef TG_MATMUL_S16_H
#define TG_MATMUL_S16_H

#include "tg_sums_s16.h"

typedef struct {
    int32_t rows;         /* of x and y */
    int32_t depth;        /* values in a row of x */
    int32_t out_c;        /* values in a row of y */
    int32_t channel_step; /* 1: a multiplier and shift for each output channel; 0: one for the layer */
    int32_t output_zero_point;
    int32_t activation_min;
    int32_t activation_max;
} tg_matmul_s16_params;

/* y[rows, out_c] = requantize(x[rows, depth] * w[out_c, depth]^T + bias). Output channels go in pairs, so that each
 * activation is loaded once for two of them. x and y may not overlap. */
TG_BODY void tg_matmul_s16_body(const tg_matmul_s16_params *p, tg_sum_kind kind, const int16_t *x, const int8_t *w,
                                const void *bias, const int32_t *multiplier, const int8_t *shift, int16_t *y) {
    for (int32_t row = 0; row < p->rows; row++) {
        const int8_t *weights = w;
        for (int32_t c = 0; c < p->out_c; c += 2) {
            const int32_t pair = c + 1 < p->out_c;
            const int8_t *second = weights + pair * p->depth;
            tg_sum_s16 sums[2];
            tg_sum_s16 sum0 = {0, 0};
            tg_sum_s16 sum1 = {0, 0};
            for (int32_t i = 0; i < p->depth; i++) {
                const int32_t value = x[i];
                tg_sum_add(&sum0, kind, value, weights[i]);
                tg_sum_add(&sum1, kind, value, second[i]);
            }
            sums[0] = sum0;
            sums[1] = sum1;
            for (int32_t k = 0; k <= pair; k++) {
                const int32_t channel = (c + k) * p->channel_step;
                const int32_t scaled = tg_sum_scaled(&sums[k], kind, bias, c + k, multiplier[channel], shift[channel]);
                const int32_t out = tg_add(scaled, p->output_zero_point);
                *y++ = (int16_t)tg_clamp(out, p->activation_min, p->activation_max);
            }
            weights += 2 * p->depth;
        }
        x += p->depth;
    }
}

TG_KERNEL void tg_matmul_s16(const tg_matmul_s16_params *p, const int16_t *x, const int8_t *w, const int32_t *bias,
                             const int32_t *multiplier, const int8_t *shift, int16_t *y) {
    tg_matmul_s16_body(p, TG_SUM_WIDE, x, w, bias, multiplier, shift, y);
}

TG_KERNEL void tg_matmul_s16_deep(const tg_matmul_s16_params *p, const int16_t *x, const int8_t *w, const int64_t *bias,
                                  const int32_t *multiplier, const int8_t *shift, int16_t *y) {
    tg_matmul_s16_body(p, TG_SUM_DEEP, x, w, bias, multiplier, shift, y);
}

TG_KERNEL void tg_matmul_s16_wraps(const tg_matmul_s16_params *p, const int16_t *x, const int8_t *w,
                                   const int32_t *bias, const int32_t *multiplier, const int8_t *shift, int16_t *y) {
    tg_matmul_s16_body(p, TG_SUM_WRAPS, x, w, bias, multiplier, shift, y);
}

#endif
