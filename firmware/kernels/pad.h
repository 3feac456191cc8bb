/* pad.h - a tensor inside a larger one that is filled with one value; elements of 1, 2 or 4 bytes. */
#ifndef TG_PAD_H
#define TG_PAD_H

#include "tg_move.h"

typedef struct {
    tg_move_params inside; /* where x goes in y */
    int32_t count;         /* elements of y */
    int32_t element_bytes;
    int32_t value; /* the bit pattern of an element, sign extended */
} tg_pad_params;

/* y is filled first, then x is moved into it. */
TG_KERNEL void tg_pad(const tg_pad_params *p, const void *x, void *y) {
    uint8_t *to = (uint8_t *)y;
    if (p->element_bytes == 1) {
        memset(to, p->value & 0xff, (size_t)p->count);
    } else {
        const int16_t half = (int16_t)p->value;
        for (int32_t i = 0; i < p->count; i++) {
            if (p->element_bytes == 2) {
                memcpy(to + 2 * i, &half, 2);
            } else {
                memcpy(to + 4 * i, &p->value, 4);
            }
        }
    }
    tg_move_all(&p->inside, (const uint8_t *)x, to);
}

#endif
