/* rsqrt.h - int16 1 / sqrt(x), element by element; int8 goes through lut.h. */
#ifndef TG_RSQRT_H
#define TG_RSQRT_H

#include "tg_inverse_sqrt.h"

typedef struct {
    int32_t count;
    int32_t multiplier, shift; /* from 2^-20 to the output's scale */
} tg_rsqrt_params;

/* The zero points are 0; what is not above 0 gives the largest value. x may be y. */
TG_KERNEL void tg_rsqrt_s16(const tg_rsqrt_params *p, const int16_t *x, int16_t *y) {
    for (int32_t i = 0; i < p->count; i++) {
        int32_t out = INT16_MAX;
        if (x[i] > 0) {
            int32_t shift;
            const int32_t root = tg_inverse_sqrt(x[i], &shift);
            out = tg_requantize(tg_requantize(1, root, shift + 20), p->multiplier, p->shift);
        }
        y[i] = (int16_t)tg_clamp(out, INT16_MIN, INT16_MAX);
    }
}

#endif
