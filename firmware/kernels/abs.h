/* abs.h - int16 magnitudes, rescaled; int8 goes through lut.h. */
#ifndef TG_ABS_H
#define TG_ABS_H

#include "tg_kernel.h"

typedef struct {
    int32_t count;
    int32_t multiplier, shift;
} tg_abs_params;

/* The zero points are 0. x may be y. */
TG_KERNEL void tg_abs_s16(const tg_abs_params *p, const int16_t *x, int16_t *y) {
    for (int32_t i = 0; i < p->count; i++) {
        const int32_t size = x[i] < 0 ? -x[i] : x[i];
        y[i] = (int16_t)tg_min(tg_requantize(size, p->multiplier, p->shift), INT16_MAX);
    }
}

#endif
