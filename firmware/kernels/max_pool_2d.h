/* max_pool_2d.h - int8 or int16 maximum over a window; taps outside of the image do not count. */
#ifndef TG_MAX_POOL_2D_H
#define TG_MAX_POOL_2D_H

#include "tg_pool.h"

#define TG_MAX_POOL(name, type, lowest)                                                    \
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
                    for (int32_t c = 0; c < p->channels; c++) {                            \
                        int32_t max = lowest;                                              \
                        for (int32_t in_y = y0; in_y < y1; in_y++) {                       \
                            const type *tap = x + (in_y * p->in_w + x0) * p->channels + c; \
                            for (int32_t in_x = x0; in_x < x1; in_x++) {                   \
                                max = tg_max(max, *tap);                                   \
                                tap += p->channels;                                        \
                            }                                                              \
                        }                                                                  \
                        *y++ = (type)tg_clamp(max, p->activation_min, p->activation_max);  \
                    }                                                                      \
                }                                                                          \
            }                                                                              \
            x += p->in_h * p->in_w * p->channels;                                          \
        }                                                                                  \
    }

TG_MAX_POOL(tg_max_pool_s8, int8_t, INT8_MIN)
TG_MAX_POOL(tg_max_pool_s16, int16_t, INT16_MIN)

#endif
