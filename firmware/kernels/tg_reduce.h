/* tg_reduce.h - loops over the dimensions that a reduction keeps and over those that it takes together. */
#ifndef TG_REDUCE_H
#define TG_REDUCE_H

#include "tg_kernel.h"

#define TG_REDUCE_LOOPS 3

#define TG_REDUCE_FIELDS                                                                                              \
    int32_t kept[TG_REDUCE_LOOPS]; /* extents of the dimensions that stay, outermost first, and their strides in x */ \
    int32_t kept_stride[TG_REDUCE_LOOPS];                                                                             \
    int32_t reduced[TG_REDUCE_LOOPS]; /* of those that go */                                                          \
    int32_t reduced_stride[TG_REDUCE_LOOPS];

#endif
