/* transpose_conv_s16.h - int16 transposed convolution with int8 weights of any kernel and stride; NHWC activations, OHWI
 * weights. */
#ifndef TG_TRANSPOSE_CONV_S16_H
#define TG_TRANSPOSE_CONV_S16_H

#include "tg_sums_s16.h"
#include "tg_taps.h"

typedef struct {
    int32_t batches, in_h, in_w, in_c;
    int32_t out_h, out_w, out_c;
    int32_t kernel_h, kernel_w;
    int32_t stride_h, stride_w;
    int32_t pad_top, pad_left;
    int32_t activation_min, activation_max;
} tg_transpose_conv_s16_params;

/* Every output gathers what scattering each input over the kernel would add to it. Zero points are 0. */
TG_BODY void tg_transpose_conv_s16_body(const tg_transpose_conv_s16_params *p, tg_sum_kind kind, const int16_t *x,
                                        const int8_t *w, const void *bias, const int32_t *multiplier,
                                        const int8_t *shift, int16_t *y) {
    const int32_t in_c = p->in_c;
    for (int32_t batch = 0; batch < p->batches; batch++) {
        for (int32_t out_y = 0; out_y < p->out_h; out_y++) {
            const tg_taps v = tg_taps_at(out_y + p->pad_top, p->stride_h, p->kernel_h, p->in_h);
            for (int32_t out_x = 0; out_x < p->out_w; out_x++) {
                const tg_taps h = tg_taps_at(out_x + p->pad_left, p->stride_w, p->kernel_w, p->in_w);
                const int8_t *filter = w;
                for (int32_t c = 0; c < p->out_c; c++) {
                    tg_sum_s16 sum = {0, 0};
                    for (int32_t i = 0; i < v.count; i++) {
                        const int32_t row = (v.input - i) * p->in_w;
                        const int32_t tap_row = (v.tap + i * p->stride_h) * p->kernel_w;
                        for (int32_t j = 0; j < h.count; j++) {
                            const int16_t *a = x + (row + h.input - j) * in_c;
                            const int8_t *b = filter + (tap_row + h.tap + j * p->stride_w) * in_c;
                            for (int32_t k = 0; k < in_c; k++) {
                                tg_sum_add(&sum, kind, a[k], b[k]);
                            }
                        }
                    }
                    const int32_t out = tg_sum_scaled(&sum, kind, bias, c, multiplier[c], shift[c]);
                    *y++ = (int16_t)tg_clamp(out, p->activation_min, p->activation_max);
                    filter += p->kernel_h * p->kernel_w * in_c;
                }
            }
        }
        x += p->in_h * p->in_w * in_c;
    }
}

TG_KERNEL void tg_transpose_conv_s16(const tg_transpose_conv_s16_params *p, const int16_t *x, const int8_t *w,
                                     const int32_t *bias, const int32_t *multiplier, const int8_t *shift, int16_t *y) {
    tg_transpose_conv_s16_body(p, TG_SUM_WIDE, x, w, bias, multiplier, shift, y);
}

TG_KERNEL void tg_transpose_conv_s16_deep(const tg_transpose_conv_s16_params *p, const int16_t *x, const int8_t *w,
                                          const int64_t *bias, const int32_t *multiplier, const int8_t *shift,
                                          int16_t *y) {
    tg_transpose_conv_s16_body(p, TG_SUM_DEEP, x, w, bias, multiplier, shift, y);
}

#endif
