/* tg_requantize64.h - requantization of 64-bit sums: a multiplier of 16 bits and one rounding, as in TFLM. */
#ifndef TG_REQUANTIZE64_H
#define TG_REQUANTIZE64_H

#include "tg_kernel.h"

/* x * multiplier / 2^right, ties towards positive infinity, wrapped to 32 bits; multiplier in [0, 32767], right in
 * [1, 46]. The caller knows that |x| * multiplier + 2^(right - 1) is below 2^63. */
static inline int32_t tg_requantize64(int64_t x, int32_t multiplier, int32_t right) {
    return (int32_t)(((x * multiplier >> (right - 1)) + 1) >> 1);
}

#endif
