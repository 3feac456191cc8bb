/* dequantize.h - integers to float. */
#ifndef TG_DEQUANTIZE_H
#define TG_DEQUANTIZE_H

#include "tg_kernel.h"

typedef struct {
    int32_t count;
    int32_t scale; /* the bit pattern of a float */
    int32_t zero_point;
} tg_dequantize_params;

/* TFLM multiplies in double and rounds to float. The product of a float's 24 bits and the 17 of a difference is exact
 * in double, so one multiplication in float gives the same bits. */
#define TG_DEQUANTIZE(name, from)                                                 \
    TG_KERNEL void name(const tg_dequantize_params *p, const from *x, float *y) { \
        float scale;                                                              \
        memcpy(&scale, &p->scale, sizeof(scale));                                 \
        for (int32_t i = 0; i < p->count; i++) {                                  \
            y[i] = scale * (float)(x[i] - p->zero_point);                         \
        }                                                                         \
    }

TG_DEQUANTIZE(tg_dequantize_s8, int8_t)
TG_DEQUANTIZE(tg_dequantize_u8, uint8_t)
TG_DEQUANTIZE(tg_dequantize_s16, int16_t)

#endif
