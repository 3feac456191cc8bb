/* conv2d_s16.h - int16 convolution with int8 weights of any kernel, stride, dilation and number of groups; NHWC
 * activations, OHWI weights. */
#ifndef TG_CONV2D_S16_H
#define TG_CONV2D_S16_H

#include "tg_sums_s16.h"
#include "tg_window.h"

typedef struct {
    int32_t batches, in_h, in_w, in_c;
    int32_t out_h, out_w, out_c;
    int32_t kernel_h, kernel_w;
    int32_t group_c, group_filters; /* channels and filters of one group; in_c and out_c where there is one */
    int32_t stride_h, stride_w, dilation_h, dilation_w;
    int32_t pad_top, pad_left;
    int32_t activation_min, activation_max;
} tg_conv2d_s16_params;

/* The taps inside the image that one output sees: rows y0 to y1 of columns x0 to x1. */
typedef struct {
    int32_t top, left, y0, y1, x0, x1;
} tg_conv2d_s16_window;

/* What two filters, `second` values apart, see of the channels from `x` on. Where the taps of a row lie side by side
 * (one group, no dilation), the row is one run over both operands; otherwise each tap is a run of its channels. */
TG_BODY void tg_conv2d_s16_taps(const tg_conv2d_s16_params *p, tg_sum_kind kind, const tg_conv2d_s16_window *at,
                                const int16_t *x, const int8_t *filter, int32_t second, tg_sum_s16 sums[2]) {
    const int joined = p->dilation_w == 1 && p->group_c == p->in_c;
    const int32_t columns = at->x1 - at->x0;
    const int32_t runs = joined ? (columns > 0) : columns;
    const int32_t run = joined ? columns * p->group_c : p->group_c;
    const int32_t in_x = at->left + at->x0 * p->dilation_w;
    tg_sum_s16 sum0 = {0, 0};
    tg_sum_s16 sum1 = {0, 0};
    for (int32_t ky = at->y0; ky < at->y1; ky++) {
        const int16_t *a = x + ((at->top + ky * p->dilation_h) * p->in_w + in_x) * p->in_c;
        const int8_t *b0 = filter + (ky * p->kernel_w + at->x0) * p->group_c;
        const int8_t *b1 = b0 + second;
        for (int32_t r = 0; r < runs; r++) {
            for (int32_t i = 0; i < run; i++) {
                const int32_t value = a[i];
                tg_sum_add(&sum0, kind, value, b0[i]);
                tg_sum_add(&sum1, kind, value, b1[i]);
            }
            a += p->dilation_w * p->in_c;
            b0 += p->group_c;
            b1 += p->group_c;
        }
    }
    sums[0] = sum0;
    sums[1] = sum1;
}

/* All channels of one output. Filters of a group go in pairs, so that each activation is loaded once for two of them. */
TG_BODY void tg_conv2d_s16_pixel(const tg_conv2d_s16_params *p, tg_sum_kind kind, const tg_conv2d_s16_window *at,
                                 const int16_t *x, const int8_t *filter, const void *bias, const int32_t *multiplier,
                                 const int8_t *shift, int16_t *y) {
    const int32_t filter_bytes = p->kernel_h * p->kernel_w * p->group_c;
    int32_t group_left = p->group_filters;
    for (int32_t c = 0; c < p->out_c;) {
        const int32_t pair = group_left > 1; /* c and c + 1 read the same group */
        tg_sum_s16 sums[2];
        tg_conv2d_s16_taps(p, kind, at, x, filter, pair * filter_bytes, sums);
        for (int32_t k = 0; k <= pair; k++, c++) {
            const int32_t out = tg_sum_scaled(&sums[k], kind, bias, c, multiplier[c], shift[c]);
            *y++ = (int16_t)tg_clamp(out, p->activation_min, p->activation_max);
        }
        filter += (1 + pair) * filter_bytes;
        group_left -= 1 + pair;
        if (group_left == 0) {
            group_left = p->group_filters;
            x += p->group_c;
        }
    }
}

/* Taps outside of the image are left out by the bounds of the loops. Zero points are 0. */
TG_BODY void tg_conv2d_s16_body(const tg_conv2d_s16_params *p, tg_sum_kind kind, const int16_t *x, const int8_t *w,
                                const void *bias, const int32_t *multiplier, const int8_t *shift, int16_t *y) {
    tg_conv2d_s16_window at;
    for (int32_t batch = 0; batch < p->batches; batch++) {
        for (int32_t out_y = 0; out_y < p->out_h; out_y++) {
            at.top = out_y * p->stride_h - p->pad_top;
            at.y0 = tg_first_tap(at.top, p->dilation_h);
            at.y1 = tg_end_tap(at.top, p->dilation_h, p->kernel_h, p->in_h, at.y0);
            for (int32_t out_x = 0; out_x < p->out_w; out_x++) {
                at.left = out_x * p->stride_w - p->pad_left;
                at.x0 = tg_first_tap(at.left, p->dilation_w);
                at.x1 = tg_end_tap(at.left, p->dilation_w, p->kernel_w, p->in_w, at.x0);
                tg_conv2d_s16_pixel(p, kind, &at, x, w, bias, multiplier, shift, y);
                y += p->out_c;
            }
        }
        x += p->in_h * p->in_w * p->in_c;
    }
}

TG_KERNEL void tg_conv2d_s16(const tg_conv2d_s16_params *p, const int16_t *x, const int8_t *w, const int32_t *bias,
                             const int32_t *multiplier, const int8_t *shift, int16_t *y) {
    tg_conv2d_s16_body(p, TG_SUM_WIDE, x, w, bias, multiplier, shift, y);
}

TG_KERNEL void tg_conv2d_s16_deep(const tg_conv2d_s16_params *p, const int16_t *x, const int8_t *w, const int64_t *bias,
                                  const int32_t *multiplier, const int8_t *shift, int16_t *y) {
    tg_conv2d_s16_body(p, TG_SUM_DEEP, x, w, bias, multiplier, shift, y);
}

TG_KERNEL void tg_conv2d_s16_wraps(const tg_conv2d_s16_params *p, const int16_t *x, const int8_t *w,
                                   const int32_t *bias, const int32_t *multiplier, const int8_t *shift, int16_t *y) {
    tg_conv2d_s16_body(p, TG_SUM_WRAPS, x, w, bias, multiplier, shift, y);
}

#endif
