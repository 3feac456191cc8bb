/* concatenation.h - up to ten tensors side by side along one axis, of any type. */
#ifndef TG_CONCATENATION_H
#define TG_CONCATENATION_H

#include "tg_kernel.h"

#define TG_CONCATENATION_INPUTS 10 /* as many as TensorFlow Lite Micro takes */

typedef struct {
    int32_t inputs;
    int32_t rows;                           /* product of the dimensions before the axis */
    int32_t bytes[TG_CONCATENATION_INPUTS]; /* of one row of each input */
} tg_concatenation_params;

/* Pointers beyond p->inputs are NULL. */
TG_KERNEL void tg_concatenation(const tg_concatenation_params *p, const void *x0, const void *x1, const void *x2,
                                const void *x3, const void *x4, const void *x5, const void *x6, const void *x7,
                                const void *x8, const void *x9, void *y) {
    const void *const x[TG_CONCATENATION_INPUTS] = {x0, x1, x2, x3, x4, x5, x6, x7, x8, x9};
    uint8_t *to = (uint8_t *)y;
    for (int32_t row = 0; row < p->rows; row++) {
        for (int32_t i = 0; i < p->inputs; i++) {
            const int32_t bytes = p->bytes[i];
            memcpy(to, (const uint8_t *)x[i] + row * bytes, (size_t)bytes);
            to += bytes;
        }
    }
}

#endif
