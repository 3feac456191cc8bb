/* resize_bilinear.h - an int8 image interpolated between its pixels, in fixed point of 10 bits; NHWC. */
#ifndef TG_RESIZE_BILINEAR_H
#define TG_RESIZE_BILINEAR_H

#include "tg_kernel.h"

typedef struct {
    int32_t batches, in_h, in_w, channels;
    int32_t out_h, out_w;
    int32_t step_y, step_x; /* of one output in x, in 1/1024 pixel */
    int32_t start_y, start_x;
} tg_resize_bilinear_params;

/* The two neighbours of a place and the second one's weight in 1/1024. Before the first pixel the weight is negative,
 * and both neighbours are that pixel. */
typedef struct {
    int32_t low, high, weight;
} tg_between;

static inline tg_between tg_between_at(int32_t place, int32_t size) {
    tg_between b;
    b.low = tg_max(place / 1024, 0);
    b.high = tg_min((place + 1023) / 1024, size - 1);
    b.weight = place - b.low * 1024;
    return b;
}

/* The sum of the four weighed neighbours is divided by 2^20, ties away from zero. Its magnitude stays below 2^30. */
TG_KERNEL void tg_resize_bilinear_s8(const tg_resize_bilinear_params *p, const int8_t *x, int8_t *y) {
    for (int32_t batch = 0; batch < p->batches; batch++) {
        for (int32_t out_y = 0; out_y < p->out_h; out_y++) {
            const tg_between v = tg_between_at(out_y * p->step_y + p->start_y, p->in_h);
            for (int32_t out_x = 0; out_x < p->out_w; out_x++) {
                const tg_between h = tg_between_at(out_x * p->step_x + p->start_x, p->in_w);
                const int8_t *a = x + (v.low * p->in_w + h.low) * p->channels;
                const int8_t *b = x + (v.high * p->in_w + h.low) * p->channels;
                const int8_t *c = x + (v.low * p->in_w + h.high) * p->channels;
                const int8_t *d = x + (v.high * p->in_w + h.high) * p->channels;
                const int32_t weight_a = (1024 - v.weight) * (1024 - h.weight);
                const int32_t weight_b = v.weight * (1024 - h.weight);
                const int32_t weight_c = (1024 - v.weight) * h.weight;
                const int32_t weight_d = v.weight * h.weight;
                for (int32_t i = 0; i < p->channels; i++) {
                    const int32_t sum = a[i] * weight_a + b[i] * weight_b + c[i] * weight_c + d[i] * weight_d;
                    *y++ = (int8_t)((sum + (sum > 0 ? 1 << 19 : -(1 << 19))) / (1 << 20));
                }
            }
        }
        x += p->in_h * p->in_w * p->channels;
    }
}

#endif
