/* gather.h - slices of a tensor by index along one axis, of any type. */
#ifndef TG_GATHER_H
#define TG_GATHER_H

#include "tg_kernel.h"

typedef struct {
    int32_t batches; /* each with indices of its own */
    int32_t outer;   /* product of the dimensions between batch and axis */
    int32_t slices;  /* the axis */
    int32_t indices; /* of one batch */
    int32_t bytes;   /* of one slice */
} tg_gather_params;

/* Indices may come from a model's user: those outside of the axis are held to its ends. */
TG_KERNEL void tg_gather(const tg_gather_params *p, const void *x, const int32_t *indices, void *y) {
    const uint8_t *from = (const uint8_t *)x;
    uint8_t *to = (uint8_t *)y;
    for (int32_t batch = 0; batch < p->batches; batch++) {
        for (int32_t outer = 0; outer < p->outer; outer++) {
            for (int32_t i = 0; i < p->indices; i++) {
                memcpy(to, from + tg_clamp(indices[i], 0, p->slices - 1) * p->bytes, (size_t)p->bytes);
                to += p->bytes;
            }
            from += p->slices * p->bytes;
        }
        indices += p->indices;
    }
}

#endif
