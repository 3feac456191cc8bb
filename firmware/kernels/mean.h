/* mean.h - int8 or int16 mean or sum over any axes: a mean's division by their extent is part of the multiplier. */
#ifndef TG_MEAN_H
#define TG_MEAN_H

#include "tg_reduce.h"

typedef struct {
    TG_REDUCE_FIELDS
    int32_t sum_offset; /* the negated zero point of x, once for each value in the sum */
    int32_t multiplier, shift;
    int32_t output_zero_point;
} tg_mean_params;

/* <name>_sum is the sum of what belongs to one output. */
#define TG_MEAN(name, type, low, high)                                                                        \
    static inline int32_t name##_sum(const tg_mean_params *p, const type *x) {                                \
        int32_t sum = p->sum_offset;                                                                          \
        for (int32_t i = 0; i < p->reduced[0]; i++) {                                                         \
            for (int32_t j = 0; j < p->reduced[1]; j++) {                                                     \
                const type *tap = x + i * p->reduced_stride[0] + j * p->reduced_stride[1];                    \
                for (int32_t k = 0; k < p->reduced[2]; k++) {                                                 \
                    sum = tg_add(sum, tap[k * p->reduced_stride[2]]);                                         \
                }                                                                                             \
            }                                                                                                 \
        }                                                                                                     \
        return sum;                                                                                           \
    }                                                                                                         \
    TG_KERNEL void name(const tg_mean_params *p, const type *x, type *y) {                                    \
        for (int32_t i = 0; i < p->kept[0]; i++) {                                                            \
            for (int32_t j = 0; j < p->kept[1]; j++) {                                                        \
                for (int32_t k = 0; k < p->kept[2]; k++) {                                                    \
                    const int32_t at = i * p->kept_stride[0] + j * p->kept_stride[1] + k * p->kept_stride[2]; \
                    const int32_t scaled = tg_requantize(name##_sum(p, x + at), p->multiplier, p->shift);     \
                    *y++ = (type)tg_clamp(tg_add(scaled, p->output_zero_point), low, high);                   \
                }                                                                                             \
            }                                                                                                 \
        }                                                                                                     \
    }

TG_MEAN(tg_mean_s8, int8_t, INT8_MIN, INT8_MAX)
TG_MEAN(tg_mean_s16, int16_t, INT16_MIN, INT16_MAX)

#endif
