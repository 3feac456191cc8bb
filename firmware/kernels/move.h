/* move.h - a tensor's elements in another order: transposes and strided slices, of any type. */
#ifndef TG_MOVE_KERNEL_H
#define TG_MOVE_KERNEL_H

#include "tg_move.h"

TG_KERNEL void tg_move(const tg_move_params *p, const void *x, void *y) {
    tg_move_all(p, (const uint8_t *)x, (uint8_t *)y);
}

#endif
