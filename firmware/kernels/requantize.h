/* requantize.h - integers from one scale and type to another; 8 bits to 8 bits go through lut.h. */
#ifndef TG_REQUANTIZE_H
#define TG_REQUANTIZE_H

#include "tg_kernel.h"

typedef struct {
    int32_t count;
    int32_t input_offset; /* the negated zero point of x */
    int32_t multiplier, shift;
    int32_t output_zero_point;
    int32_t low, high; /* of the output's type */
} tg_requantize_params;

static inline int32_t tg_requantize_value(const tg_requantize_params *p, int32_t x) {
    const int32_t scaled = tg_requantize(tg_add(x, p->input_offset), p->multiplier, p->shift);
    return tg_clamp(tg_add(scaled, p->output_zero_point), p->low, p->high);
}

#define TG_REQUANTIZE(name, from, to)                                          \
    TG_KERNEL void name(const tg_requantize_params *p, const from *x, to *y) { \
        for (int32_t i = 0; i < p->count; i++) {                               \
            y[i] = (to)tg_requantize_value(p, x[i]);                           \
        }                                                                      \
    }

TG_REQUANTIZE(tg_requantize_s8_s16, int8_t, int16_t)
TG_REQUANTIZE(tg_requantize_s8_s32, int8_t, int32_t)
TG_REQUANTIZE(tg_requantize_s16_s8, int16_t, int8_t)
TG_REQUANTIZE(tg_requantize_s16_s16, int16_t, int16_t)
TG_REQUANTIZE(tg_requantize_s16_s32, int16_t, int32_t)
TG_REQUANTIZE(tg_requantize_s32_s8, int32_t, int8_t)
TG_REQUANTIZE(tg_requantize_s32_s16, int32_t, int16_t)

#endif
