/* lut.h - 8-bit values through a table of 256: activations and rescaling, computed ahead of time. */
#ifndef TG_LUT_H
#define TG_LUT_H

#include "tg_kernel.h"

/* y[i] = table[x[i]] by the value's bit pattern: 0 to 127 first, then -128 to -1 where x is signed. x may be y. */
TG_KERNEL void tg_lut_s8(const void *x, const uint8_t *table, void *y, int32_t count) {
    const uint8_t *from = (const uint8_t *)x;
    uint8_t *to = (uint8_t *)y;
    for (int32_t i = 0; i < count; i++) {
        to[i] = table[from[i]];
    }
}

#endif
