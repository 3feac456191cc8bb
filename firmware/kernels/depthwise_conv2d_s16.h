/* depthwise_conv2d_s16.h - int16 depthwise convolution with int8 weights [kernel_h, kernel_w, out_c] and any depth
 * multiplier. */
#ifndef TG_DEPTHWISE_CONV2D_S16_H
#define TG_DEPTHWISE_CONV2D_S16_H

#include "tg_sums_s16.h"
#include "tg_window.h"

typedef struct {
    int32_t batches, in_h, in_w, in_c;
    int32_t out_h, out_w, depth_multiplier;
    int32_t kernel_h, kernel_w;
    int32_t stride_h, stride_w, dilation_h, dilation_w;
    int32_t pad_top, pad_left;
    int32_t activation_min, activation_max;
} tg_depthwise_conv2d_s16_params;

/* Output channel c reads input channel c / depth_multiplier. Taps outside of the image are left out by the bounds. Zero
 * points are 0. */
TG_BODY void tg_depthwise_conv2d_s16_body(const tg_depthwise_conv2d_s16_params *p, tg_sum_kind kind, const int16_t *x,
                                          const int8_t *w, const void *bias, const int32_t *multiplier,
                                          const int8_t *shift, int16_t *y) {
    const int32_t out_c = p->in_c * p->depth_multiplier;
    const int32_t step_x = p->dilation_w * p->in_c;
    for (int32_t batch = 0; batch < p->batches; batch++) {
        for (int32_t out_y = 0; out_y < p->out_h; out_y++) {
            const int32_t top = out_y * p->stride_h - p->pad_top;
            const int32_t y0 = tg_first_tap(top, p->dilation_h);
            const int32_t y1 = tg_end_tap(top, p->dilation_h, p->kernel_h, p->in_h, y0);
            for (int32_t out_x = 0; out_x < p->out_w; out_x++) {
                const int32_t left = out_x * p->stride_w - p->pad_left;
                const int32_t x0 = tg_first_tap(left, p->dilation_w);
                const int32_t x1 = tg_end_tap(left, p->dilation_w, p->kernel_w, p->in_w, x0);
                const int32_t first_x = left + x0 * p->dilation_w;
                int32_t in_c = 0;
                int32_t copies = p->depth_multiplier;
                for (int32_t c = 0; c < out_c; c++) {
                    tg_sum_s16 sum = {0, 0};
                    for (int32_t ky = y0; ky < y1; ky++) {
                        const int32_t in_y = top + ky * p->dilation_h;
                        const int16_t *a = x + (in_y * p->in_w + first_x) * p->in_c + in_c;
                        const int8_t *b = w + (ky * p->kernel_w + x0) * out_c + c;
                        for (int32_t kx = x0; kx < x1; kx++) {
                            tg_sum_add(&sum, kind, *a, *b);
                            a += step_x;
                            b += out_c;
                        }
                    }
                    if (--copies == 0) {
                        copies = p->depth_multiplier;
                        in_c++;
                    }
                    const int32_t out = tg_sum_scaled(&sum, kind, bias, c, multiplier[c], shift[c]);
                    *y++ = (int16_t)tg_clamp(out, p->activation_min, p->activation_max);
                }
            }
        }
        x += p->in_h * p->in_w * p->in_c;
    }
}

TG_KERNEL void tg_depthwise_conv2d_s16(const tg_depthwise_conv2d_s16_params *p, const int16_t *x, const int8_t *w,
                                       const int32_t *bias, const int32_t *multiplier, const int8_t *shift,
                                       int16_t *y) {
    tg_depthwise_conv2d_s16_body(p, TG_SUM_WIDE, x, w, bias, multiplier, shift, y);
}

TG_KERNEL void tg_depthwise_conv2d_s16_deep(const tg_depthwise_conv2d_s16_params *p, const int16_t *x, const int8_t *w,
                                            const int64_t *bias, const int32_t *multiplier, const int8_t *shift,
                                            int16_t *y) {
    tg_depthwise_conv2d_s16_body(p, TG_SUM_DEEP, x, w, bias, multiplier, shift, y);
}

#endif
