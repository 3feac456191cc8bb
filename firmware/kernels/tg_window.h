/* tg_window.h - which taps of a sliding window lie inside the image. */
#ifndef TG_WINDOW_H
#define TG_WINDOW_H

#include "tg_kernel.h"

/* First tap that lies inside the image when tap 0 lies at `origin`. */
static inline int32_t tg_first_tap(int32_t origin, int32_t dilation) {
    return origin >= 0 ? 0 : (-origin + dilation - 1) / dilation;
}

/* One past the last tap inside an image of `size`; never below `first`. */
static inline int32_t tg_end_tap(int32_t origin, int32_t dilation, int32_t taps, int32_t size, int32_t first) {
    const int32_t inside = size > origin ? (size - origin + dilation - 1) / dilation : 0;
    return tg_max(first, tg_min(taps, inside));
}

#endif
