/* tg_taps.h - which taps of a transposed convolution reach an output. */
#ifndef TG_TAPS_H
#define TG_TAPS_H

#include "tg_kernel.h"

/* The taps that reach one output along one axis: `tap` is the first, each next is a stride further on and reads the
 * input before. */
typedef struct {
    int32_t tap, input, count;
} tg_taps;

static inline tg_taps tg_taps_at(int32_t place, int32_t stride, int32_t kernel, int32_t in_size) {
    tg_taps t;
    t.input = place / stride;
    t.tap = place - t.input * stride;
    if (t.input >= in_size) {
        t.tap += (t.input - in_size + 1) * stride;
        t.input = in_size - 1;
    }
    t.count = t.tap < kernel ? tg_min((kernel - t.tap - 1) / stride, t.input) + 1 : 0;
    return t;
}

#endif
