/* resize_nearest_neighbor.h - an image of whose pixels some are repeated or left out, of any type. */
#ifndef TG_RESIZE_NEAREST_NEIGHBOR_H
#define TG_RESIZE_NEAREST_NEIGHBOR_H

#include "tg_kernel.h"

typedef struct {
    int32_t batches, out_h, out_w;
    int32_t pixel_bytes; /* all channels */
    int32_t row_bytes;   /* of x */
    int32_t image_bytes; /* of x */
} tg_resize_nearest_neighbor_params;

/* rows[out_h] and columns[out_w] say which pixel of x goes where. */
TG_KERNEL void tg_resize_nearest_neighbor(const tg_resize_nearest_neighbor_params *p, const void *x,
                                          const int16_t *rows, const int16_t *columns, void *y) {
    const uint8_t *image = (const uint8_t *)x;
    uint8_t *to = (uint8_t *)y;
    for (int32_t batch = 0; batch < p->batches; batch++) {
        for (int32_t out_y = 0; out_y < p->out_h; out_y++) {
            const uint8_t *row = image + rows[out_y] * p->row_bytes;
            for (int32_t out_x = 0; out_x < p->out_w; out_x++) {
                memcpy(to, row + columns[out_x] * p->pixel_bytes, (size_t)p->pixel_bytes);
                to += p->pixel_bytes;
            }
        }
        image += p->image_bytes;
    }
}

#endif
