/* reduce_extreme.h - the largest or smallest int8 value over any axes. */
#ifndef TG_REDUCE_EXTREME_H
#define TG_REDUCE_EXTREME_H

#include "tg_reduce.h"

typedef struct {
    TG_REDUCE_FIELDS
} tg_reduce_params;

#define TG_REDUCE_EXTREME(name, pick)                                                                         \
    static inline int32_t name##_of(const tg_reduce_params *p, const int8_t *x) {                             \
        int32_t found = *x;                                                                                   \
        for (int32_t i = 0; i < p->reduced[0]; i++) {                                                         \
            for (int32_t j = 0; j < p->reduced[1]; j++) {                                                     \
                const int8_t *tap = x + i * p->reduced_stride[0] + j * p->reduced_stride[1];                  \
                for (int32_t k = 0; k < p->reduced[2]; k++) {                                                 \
                    found = pick(found, tap[k * p->reduced_stride[2]]);                                       \
                }                                                                                             \
            }                                                                                                 \
        }                                                                                                     \
        return found;                                                                                         \
    }                                                                                                         \
    TG_KERNEL void name(const tg_reduce_params *p, const int8_t *x, int8_t *y) {                              \
        for (int32_t i = 0; i < p->kept[0]; i++) {                                                            \
            for (int32_t j = 0; j < p->kept[1]; j++) {                                                        \
                for (int32_t k = 0; k < p->kept[2]; k++) {                                                    \
                    const int32_t at = i * p->kept_stride[0] + j * p->kept_stride[1] + k * p->kept_stride[2]; \
                    *y++ = (int8_t)name##_of(p, x + at);                                                      \
                }                                                                                             \
            }                                                                                                 \
        }                                                                                                     \
    }

TG_REDUCE_EXTREME(tg_reduce_max_s8, tg_max)
TG_REDUCE_EXTREME(tg_reduce_min_s8, tg_min)

#endif
