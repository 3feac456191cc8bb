/* tg_blocks.h - an image dealt out to block_h * block_w smaller ones: pixel (y, x) goes to number (y % block_h, x %
 * block_w), after `top` and `left` are added. */
#ifndef TG_BLOCKS_H
#define TG_BLOCKS_H

#include "tg_kernel.h"

typedef struct {
    int32_t batches;          /* of the whole images */
    int32_t image_h, image_w; /* the whole */
    int32_t part_h, part_w;   /* the parts */
    int32_t block_h, block_w;
    int32_t top, left;   /* pixels that the parts have before the image's first */
    int32_t pixel_bytes; /* all channels */
    int32_t value;       /* of every byte of a pixel outside of the image */
} tg_blocks_params;

/* Where in the whole images the pixels of the parts lie; counts through the parts in their order in memory. */
typedef struct {
    int32_t block_y, block_x, batch, y, x;
} tg_blocks_at;

/* The byte of the whole images, -1 where the pixel lies outside of the image. */
static inline int32_t tg_blocks_place(const tg_blocks_params *p, const tg_blocks_at *at) {
    const int32_t y = at->y * p->block_h + at->block_y - p->top;
    const int32_t x = at->x * p->block_w + at->block_x - p->left;
    if (y < 0 || y >= p->image_h || x < 0 || x >= p->image_w) {
        return -1;
    }
    return ((at->batch * p->image_h + y) * p->image_w + x) * p->pixel_bytes;
}

/* Goes on to the next pixel; 0 after the last. */
static inline int tg_blocks_next(const tg_blocks_params *p, tg_blocks_at *at) {
    if (++at->x < p->part_w) {
        return 1;
    }
    at->x = 0;
    if (++at->y < p->part_h) {
        return 1;
    }
    at->y = 0;
    if (++at->batch < p->batches) {
        return 1;
    }
    at->batch = 0;
    if (++at->block_x < p->block_w) {
        return 1;
    }
    at->block_x = 0;
    return ++at->block_y < p->block_h;
}

#endif
