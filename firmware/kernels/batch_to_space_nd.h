/* batch_to_space_nd.h - images put together from smaller ones in the batch, after dilated convolutions; any type. */
#ifndef TG_BATCH_TO_SPACE_ND_H
#define TG_BATCH_TO_SPACE_ND_H

#include "tg_blocks.h"

/* What lies outside of the image is cropped. */
TG_KERNEL void tg_batch_to_space_nd(const tg_blocks_params *p, const void *x, void *y) {
    const uint8_t *from = (const uint8_t *)x;
    tg_blocks_at at = {0, 0, 0, 0, 0};
    do {
        const int32_t place = tg_blocks_place(p, &at);
        if (place >= 0) {
            memcpy((uint8_t *)y + place, from, (size_t)p->pixel_bytes);
        }
        from += p->pixel_bytes;
    } while (tg_blocks_next(p, &at));
}

#endif
