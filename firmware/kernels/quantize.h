/* quantize.h - float to integers, and integers from one scale to another. */
#ifndef TG_QUANTIZE_H
#define TG_QUANTIZE_H

#include "tg_kernel.h"

typedef struct {
    int32_t count;
    int32_t scale; /* the bit pattern of a float */
    int32_t zero_point;
    int32_t low, high; /* of the output's type */
} tg_quantize_params;

/* x / scale, ties away from zero, held to the output's range; NaN counts as the lowest. */
static inline int32_t tg_quantize_value(const tg_quantize_params *p, float x, float scale) {
    float v = x / scale;
    v = v > -70000.0f ? v : -70000.0f;
    v = v < 70000.0f ? v : 70000.0f;
    int32_t n = (int32_t)v;
    const float rest = v - (float)n;
    n += (rest >= 0.5f) - (rest <= -0.5f);
    return tg_clamp(n + p->zero_point, p->low, p->high);
}

TG_KERNEL void tg_quantize_f32_s8(const tg_quantize_params *p, const float *x, int8_t *y) {
    float scale;
    memcpy(&scale, &p->scale, sizeof(scale));
    for (int32_t i = 0; i < p->count; i++) {
        y[i] = (int8_t)tg_quantize_value(p, x[i], scale);
    }
}

TG_KERNEL void tg_quantize_f32_s16(const tg_quantize_params *p, const float *x, int16_t *y) {
    float scale;
    memcpy(&scale, &p->scale, sizeof(scale));
    for (int32_t i = 0; i < p->count; i++) {
        y[i] = (int16_t)tg_quantize_value(p, x[i], scale);
    }
}

#endif
