/* svdf.h - int8 layers with a memory: each filter remembers what it saw of the last inputs and weighs them in time. */
#ifndef TG_SVDF_H
#define TG_SVDF_H

#include "tg_kernel.h"

typedef struct {
    int32_t batches;
    int32_t depth;  /* values in a row of x */
    int32_t units;  /* values in a row of y */
    int32_t rank;   /* filters whose sum is one unit */
    int32_t memory; /* inputs that a filter remembers, the newest last */
    int32_t feature_multiplier, feature_shift;
    int32_t state_zero_point;
    int32_t output_multiplier, output_shift, output_zero_point;
} tg_svdf_params;

/* What one filter sees of a row of x, at the memory's scale. */
static inline int32_t tg_svdf_feature(const tg_svdf_params *p, const int8_t *x, const int8_t *w, int32_t bias) {
    for (int32_t i = 0; i < p->depth; i++) {
        bias = tg_mac(bias, x[i], w[i]);
    }
    return tg_requantize(bias, p->feature_multiplier, p->feature_shift);
}

static inline int8_t tg_svdf_output(const tg_svdf_params *p, int32_t sum) {
    const int32_t scaled = tg_requantize(sum, p->output_multiplier, p->output_shift);
    return (int8_t)tg_clamp(tg_add(scaled, p->output_zero_point), INT8_MIN, INT8_MAX);
}

/* x[batches, depth], feature[units * rank, depth], time[units * rank, memory], state[batches, units * rank, memory],
 * y[batches, units]. The zero points of x and of the state are in the biases. A feature is held to the state's range
 * before the zero point is added, and wraps after that, as in TFLM. x and y may not overlap. */
#define TG_SVDF(name, type, low, high)                                                                                \
    TG_KERNEL void name(const tg_svdf_params *p, const int8_t *x, const int8_t *feature, const int32_t *feature_bias, \
                        const type *time, const int32_t *bias, type *state, int8_t *y) {                              \
        for (int32_t b = 0; b < p->batches; b++) {                                                                    \
            int32_t filter = 0;                                                                                       \
            for (int32_t unit = 0; unit < p->units; unit++) {                                                         \
                int32_t sum = bias[unit];                                                                             \
                for (int32_t r = 0; r < p->rank; r++, filter++) {                                                     \
                    const type *w = time + filter * p->memory;                                                        \
                    const int32_t seen = tg_svdf_feature(p, x, feature + filter * p->depth, feature_bias[filter]);    \
                    for (int32_t i = 0; i + 1 < p->memory; i++) {                                                     \
                        *state = state[1];                                                                            \
                        sum = tg_mac(sum, *state++, *w++);                                                            \
                    }                                                                                                 \
                    *state = (type)(tg_clamp(seen, low, high) + p->state_zero_point);                                 \
                    sum = tg_mac(sum, *state++, *w);                                                                  \
                }                                                                                                     \
                *y++ = tg_svdf_output(p, sum);                                                                        \
            }                                                                                                         \
            x += p->depth;                                                                                            \
        }                                                                                                             \
    }

TG_SVDF(tg_svdf_s8, int8_t, INT8_MIN, INT8_MAX)
TG_SVDF(tg_svdf_s16, int16_t, INT16_MIN, INT16_MAX)

#endif
