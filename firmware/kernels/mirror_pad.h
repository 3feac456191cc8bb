/* mirror_pad.h - a tensor whose edges go on as in a mirror, of any type. */
#ifndef TG_MIRROR_PAD_H
#define TG_MIRROR_PAD_H

#include "tg_kernel.h"

#define TG_MIRROR_LOOPS 4

typedef struct {
    int32_t element_bytes;           /* what is never parted: an element with all dimensions that have no padding */
    int32_t offset;                  /* 1 where the edge itself is not repeated (REFLECT), 0 where it is (SYMMETRIC) */
    int32_t y_size[TG_MIRROR_LOOPS]; /* outermost first */
    int32_t x_size[TG_MIRROR_LOOPS]; /* paddings are at most x_size - offset */
    int32_t before[TG_MIRROR_LOOPS]; /* the padding before */
    int32_t x_stride[TG_MIRROR_LOOPS]; /* bytes */
} tg_mirror_pad_params;

/* Where along loop `d` the value at place `at` of y comes from, in bytes. */
static inline int32_t tg_mirrored(const tg_mirror_pad_params *p, int32_t d, int32_t at) {
    int32_t place = at - p->before[d];
    if (place < 0) {
        place = p->offset - 1 - place;
    } else if (place >= p->x_size[d]) {
        place = 2 * p->x_size[d] - 1 - p->offset - place;
    }
    return place * p->x_stride[d];
}

TG_KERNEL void tg_mirror_pad(const tg_mirror_pad_params *p, const void *x, void *y) {
    const uint8_t *from = (const uint8_t *)x;
    uint8_t *to = (uint8_t *)y;
    for (int32_t i = 0; i < p->y_size[0]; i++) {
        const int32_t outer = tg_mirrored(p, 0, i);
        for (int32_t j = 0; j < p->y_size[1]; j++) {
            const int32_t middle = outer + tg_mirrored(p, 1, j);
            for (int32_t k = 0; k < p->y_size[2]; k++) {
                const int32_t inner = middle + tg_mirrored(p, 2, k);
                for (int32_t l = 0; l < p->y_size[3]; l++) {
                    memcpy(to, from + inner + tg_mirrored(p, 3, l), (size_t)p->element_bytes);
                    to += p->element_bytes;
                }
            }
        }
    }
}

#endif
