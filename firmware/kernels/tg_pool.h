/* tg_pool.h - the shape of a pool over windows, shared by its kernels. */
#ifndef TG_POOL_H
#define TG_POOL_H

#include "tg_window.h"

typedef struct {
    int32_t batches, in_h, in_w, channels;
    int32_t out_h, out_w;
    int32_t kernel_h, kernel_w, stride_h, stride_w;
    int32_t pad_top, pad_left;
    int32_t activation_min, activation_max;
} tg_pool_params;

#endif
