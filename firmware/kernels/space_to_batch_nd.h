/* space_to_batch_nd.h - images dealt out to smaller ones in the batch, for dilated convolutions; any type. */
#ifndef TG_SPACE_TO_BATCH_ND_H
#define TG_SPACE_TO_BATCH_ND_H

#include "tg_blocks.h"

TG_KERNEL void tg_space_to_batch_nd(const tg_blocks_params *p, const void *x, void *y) {
    uint8_t *to = (uint8_t *)y;
    tg_blocks_at at = {0, 0, 0, 0, 0};
    do {
        const int32_t place = tg_blocks_place(p, &at);
        if (place < 0) {
            memset(to, p->value & 0xff, (size_t)p->pixel_bytes);
        } else {
            memcpy(to, (const uint8_t *)x + place, (size_t)p->pixel_bytes);
        }
        to += p->pixel_bytes;
    } while (tg_blocks_next(p, &at));
}

#endif
