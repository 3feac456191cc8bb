/* split.h - a tensor parted along one axis into up to ten, of any type. */
#ifndef TG_SPLIT_H
#define TG_SPLIT_H

#include "tg_kernel.h"

#define TG_SPLIT_OUTPUTS 10

typedef struct {
    int32_t outputs;
    int32_t rows;                    /* product of the dimensions before the axis */
    int32_t bytes[TG_SPLIT_OUTPUTS]; /* of one row of each output */
} tg_split_params;

/* Pointers beyond p->outputs are NULL. */
TG_KERNEL void tg_split(const tg_split_params *p, const void *x, void *y0, void *y1, void *y2, void *y3, void *y4,
                        void *y5, void *y6, void *y7, void *y8, void *y9) {
    void *const y[TG_SPLIT_OUTPUTS] = {y0, y1, y2, y3, y4, y5, y6, y7, y8, y9};
    const uint8_t *from = (const uint8_t *)x;
    for (int32_t row = 0; row < p->rows; row++) {
        for (int32_t i = 0; i < p->outputs; i++) {
            const int32_t bytes = p->bytes[i];
            memcpy((uint8_t *)y[i] + row * bytes, from, (size_t)bytes);
            from += bytes;
        }
    }
}

#endif
