/* average_pool_2d.h - int8 or int16 mean over a window; taps outside of the image do not count. */
#ifndef TG_AVERAGE_POOL_2D_H
#define TG_AVERAGE_POOL_2D_H

#include "tg_pool.h"

/* The sum is rounded to the nearest, half away from zero, in the input's own scale; it stays below 2^31. */
#define TG_AVERAGE_POOL(name, type)                                                        \
    TG_KERNEL void name(const tg_pool_params *p, const type *x, type *y) {                 \
        for (int32_t batch = 0; batch < p->batches; batch++) {                             \
            for (int32_t out_y = 0; out_y < p->out_h; out_y++) {                           \
                const int32_t top = out_y * p->stride_h - p->pad_top;                      \
                const int32_t y0 = tg_max(0, top);                                         \
                const int32_t y1 = tg_min(top + p->kernel_h, p->in_h);                     \
                for (int32_t out_x = 0; out_x < p->out_w; out_x++) {                       \
                    const int32_t left = out_x * p->stride_w - p->pad_left;                \
                    const int32_t x0 = tg_max(0, left);                                    \
                    const int32_t x1 = tg_min(left + p->kernel_w, p->in_w);                \
                    const int32_t count = (y1 - y0) * (x1 - x0);                           \
                    const int32_t half = count / 2;                                        \
                    for (int32_t c = 0; c < p->channels; c++) {                            \
                        int32_t sum = 0;                                                   \
                        for (int32_t in_y = y0; in_y < y1; in_y++) {                       \
                            const type *row = x + (in_y * p->in_w + x0) * p->channels + c; \
                            for (int32_t in_x = x0; in_x < x1; in_x++) {                   \
                                sum += *row;                                               \
                                row += p->channels;                                        \
                            }                                                              \
                        }                                                                  \
                        const int32_t mean = (sum > 0 ? sum + half : sum - half) / count;  \
                        *y++ = (type)tg_clamp(mean, p->activation_min, p->activation_max); \
                    }                                                                      \
                }                                                                          \
            }                                                                              \
            x += p->in_h * p->in_w * p->channels;                                          \
        }                                                                                  \
    }

TG_AVERAGE_POOL(tg_average_pool_s8, int8_t)
TG_AVERAGE_POOL(tg_average_pool_s16, int16_t)

#endif
