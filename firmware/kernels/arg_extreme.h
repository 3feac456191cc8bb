/* arg_extreme.h - the place of the largest or smallest int8 value along one axis, the first of equals. */
#ifndef TG_ARG_EXTREME_H
#define TG_ARG_EXTREME_H

#include "tg_kernel.h"

typedef struct {
    int32_t outer, axis, inner; /* extents before, along and after the axis */
} tg_arg_params;

#define TG_ARG_EXTREME(name, better)                                           \
    TG_KERNEL void name(const tg_arg_params *p, const int8_t *x, int32_t *y) { \
        for (int32_t outer = 0; outer < p->outer; outer++) {                   \
            for (int32_t inner = 0; inner < p->inner; inner++) {               \
                const int8_t *values = x + outer * p->axis * p->inner + inner; \
                int32_t best = 0;                                              \
                for (int32_t i = 1; i < p->axis; i++) {                        \
                    if (values[i * p->inner] better values[best * p->inner]) { \
                        best = i;                                              \
                    }                                                          \
                }                                                              \
                *y++ = best;                                                   \
            }                                                                  \
        }                                                                      \
    }

TG_ARG_EXTREME(tg_arg_max_s8, >)
TG_ARG_EXTREME(tg_arg_min_s8, <)

#endif
