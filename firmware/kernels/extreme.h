/* extreme.h - the larger or smaller of two operands, broadcast; values are compared as they stand, without scales. */
#ifndef TG_EXTREME_H
#define TG_EXTREME_H

#include "tg_loops.h"

typedef struct {
    TG_LOOPS_FIELDS
} tg_extreme_params;

#define TG_EXTREME(name, type, pick)                                                                \
    TG_KERNEL void name(const tg_extreme_params *p, const type *x1, const type *x2, type *y) {      \
        for (int32_t i = 0; i < p->size[0]; i++) {                                                  \
            for (int32_t j = 0; j < p->size[1]; j++) {                                              \
                for (int32_t k = 0; k < p->size[2]; k++) {                                          \
                    const type *a = x1 + i * p->stride1[0] + j * p->stride1[1] + k * p->stride1[2]; \
                    const type *b = x2 + i * p->stride2[0] + j * p->stride2[1] + k * p->stride2[2]; \
                    for (int32_t n = 0; n < p->size[3]; n++) {                                      \
                        *y++ = (type)pick(*a, *b);                                                  \
                        a += p->stride1[3];                                                         \
                        b += p->stride2[3];                                                         \
                    }                                                                               \
                }                                                                                   \
            }                                                                                       \
        }                                                                                           \
    }

TG_EXTREME(tg_maximum_s8, int8_t, tg_max)
TG_EXTREME(tg_maximum_s16, int16_t, tg_max)
TG_EXTREME(tg_maximum_s32, int32_t, tg_max)
TG_EXTREME(tg_minimum_s8, int8_t, tg_min)
TG_EXTREME(tg_minimum_s16, int16_t, tg_min)
TG_EXTREME(tg_minimum_s32, int32_t, tg_min)

#endif
