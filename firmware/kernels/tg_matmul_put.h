/* tg_matmul_put.h - how a sum of a matrix product becomes an output, whatever form its weights have. */
#ifndef TG_MATMUL_PUT_H
#define TG_MATMUL_PUT_H

#include "matmul.h"

/* What tg_matmul_s8 makes of a sum, in row `row` of output channel c. */
static inline void tg_matmul_put(const tg_matmul_params *p, int32_t row, int32_t c, int32_t acc,
                                 const int32_t *multiplier, const int8_t *shift, int8_t *y) {
    const int32_t channel = c * p->channel_step;
    const int32_t out = tg_add(tg_requantize(acc, multiplier[channel], shift[channel]), p->output_zero_point);
    y[row * p->out_c + c] = (int8_t)tg_clamp(out, p->activation_min, p->activation_max);
}

#endif
