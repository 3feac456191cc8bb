/* conv2d.h - int8 convolution of any kernel, stride, dilation and number of groups; NHWC activations, OHWI weights. */
#ifndef TG_CONV2D_H
#define TG_CONV2D_H

#include "tg_window.h"

typedef struct {
    int32_t batches, in_h, in_w, in_c;
    int32_t out_h, out_w, out_c;
    int32_t kernel_h, kernel_w;
    int32_t group_c, group_filters; /* channels and filters of one group; in_c and out_c where there is one */
    int32_t out_gap;                /* bytes between the outputs of one place and those of the next */
    int32_t stride_h, stride_w, dilation_h, dilation_w;
    int32_t pad_top, pad_left;
    int32_t input_offset; /* the negated zero point of x */
    int32_t output_zero_point;
    int32_t activation_min, activation_max;
} tg_conv2d_params;

/* Taps outside of the image are left out by the bounds of the loops. Where the taps of a row lie side by side (one
 * group, no dilation), the row is one run over both operands; otherwise each tap is a run of its channels. Filters of a
 * group go in pairs, so that each activation is loaded once for two of them. */
TG_KERNEL void tg_conv2d_s8(const tg_conv2d_params *p, const int8_t *x, const int8_t *w, const int32_t *bias,
                            const int32_t *multiplier, const int8_t *shift, int8_t *y) {
    const int joined = p->dilation_w == 1 && p->group_c == p->in_c;
    const int32_t offset = p->input_offset;
    const int32_t filter_bytes = p->kernel_h * p->kernel_w * p->group_c;
    for (int32_t batch = 0; batch < p->batches; batch++) {
        for (int32_t out_y = 0; out_y < p->out_h; out_y++) {
            const int32_t top = out_y * p->stride_h - p->pad_top;
            const int32_t y0 = tg_first_tap(top, p->dilation_h);
            const int32_t y1 = tg_end_tap(top, p->dilation_h, p->kernel_h, p->in_h, y0);
            for (int32_t out_x = 0; out_x < p->out_w; out_x++) {
                const int32_t left = out_x * p->stride_w - p->pad_left;
                const int32_t x0 = tg_first_tap(left, p->dilation_w);
                const int32_t x1 = tg_end_tap(left, p->dilation_w, p->kernel_w, p->in_w, x0);
                const int32_t runs = joined ? (x1 > x0) : x1 - x0;
                const int32_t run = joined ? (x1 - x0) * p->group_c : p->group_c;
                const int8_t *filter = w;
                int32_t group_left = p->group_filters;
                int32_t group_start = 0;
                for (int32_t c = 0; c < p->out_c;) {
                    const int32_t pair = group_left > 1; /* c and c + 1 read the same group */
                    int32_t acc[2];
                    int32_t acc0 = bias[c];
                    int32_t acc1 = bias[c + pair];
                    for (int32_t ky = y0; ky < y1; ky++) {
                        const int32_t in_y = top + ky * p->dilation_h;
                        const int32_t in_x = left + x0 * p->dilation_w;
                        const int8_t *a = x + (in_y * p->in_w + in_x) * p->in_c + group_start;
                        const int8_t *b0 = filter + (ky * p->kernel_w + x0) * p->group_c;
                        const int8_t *b1 = b0 + pair * filter_bytes;
                        for (int32_t r = 0; r < runs; r++) {
                            for (int32_t i = 0; i < run; i++) {
                                const int32_t value = a[i] + offset;
                                acc0 = tg_mac(acc0, value, b0[i]);
                                acc1 = tg_mac(acc1, value, b1[i]);
                            }
                            a += p->dilation_w * p->in_c;
                            b0 += p->group_c;
                            b1 += p->group_c;
                        }
                    }
                    acc[0] = acc0;
                    acc[1] = acc1;
                    for (int32_t k = 0; k <= pair; k++, c++) {
                        const int32_t scaled = tg_requantize(acc[k], multiplier[c], shift[c]);
                        const int32_t out = tg_add(scaled, p->output_zero_point);
                        *y++ = (int8_t)tg_clamp(out, p->activation_min, p->activation_max);
                    }
                    filter += (1 + pair) * filter_bytes;
                    group_left -= 1 + pair;
                    if (group_left == 0) {
                        group_left = p->group_filters;
                        group_start += p->group_c;
                    }
                }
                y += p->out_gap;
            }
        }
        x += p->in_h * p->in_w * p->in_c;
    }
}

#endif
