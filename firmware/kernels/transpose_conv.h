/* transpose_conv.h - int8 transposed convolution of any kernel and stride; NHWC activations, OHWI weights. */
#ifndef TG_TRANSPOSE_CONV_H
#define TG_TRANSPOSE_CONV_H

#include "tg_taps.h"

typedef struct {
    int32_t batches, in_h, in_w, in_c;
    int32_t out_h, out_w, out_c;
    int32_t kernel_h, kernel_w;
    int32_t stride_h, stride_w;
    int32_t pad_top, pad_left;
    int32_t input_offset; /* the negated zero point of x */
    int32_t output_zero_point;
    int32_t activation_min, activation_max;
} tg_transpose_conv_params;

/* Every output gathers what scattering each input over the kernel would add to it. */
TG_KERNEL void tg_transpose_conv_s8(const tg_transpose_conv_params *p, const int8_t *x, const int8_t *w,
                                    const int32_t *bias, const int32_t *multiplier, const int8_t *shift, int8_t *y) {
    const int32_t in_c = p->in_c;
    for (int32_t batch = 0; batch < p->batches; batch++) {
        for (int32_t out_y = 0; out_y < p->out_h; out_y++) {
            const tg_taps v = tg_taps_at(out_y + p->pad_top, p->stride_h, p->kernel_h, p->in_h);
            for (int32_t out_x = 0; out_x < p->out_w; out_x++) {
                const tg_taps h = tg_taps_at(out_x + p->pad_left, p->stride_w, p->kernel_w, p->in_w);
                const int8_t *filter = w;
                for (int32_t c = 0; c < p->out_c; c++) {
                    int32_t acc = bias[c];
                    for (int32_t i = 0; i < v.count; i++) {
                        const int32_t row = (v.input - i) * p->in_w;
                        const int32_t tap_row = (v.tap + i * p->stride_h) * p->kernel_w;
                        for (int32_t j = 0; j < h.count; j++) {
                            const int8_t *a = x + (row + h.input - j) * in_c;
                            const int8_t *b = filter + (tap_row + h.tap + j * p->stride_w) * in_c;
                            for (int32_t k = 0; k < in_c; k++) {
                                acc = tg_mac(acc, a[k] + p->input_offset, b[k]);
                            }
                        }
                    }
                    const int32_t out = tg_add(tg_requantize(acc, multiplier[c], shift[c]), p->output_zero_point);
                    *y++ = (int8_t)tg_clamp(out, p->activation_min, p->activation_max);
                    filter += p->kernel_h * p->kernel_w * in_c;
                }
            }
        }
        x += p->in_h * p->in_w * in_c;
    }
}

#endif
