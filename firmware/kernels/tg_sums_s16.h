/* tg_sums_s16.h - sums of int16 activations times int8 weights: how wide they are, and what becomes of them. */
#ifndef TG_SUMS_S16_H
#define TG_SUMS_S16_H

#include "tg_requantize64.h"

/* A kernel's body is written once and compiled for each kind of sum that a layer of it has. */
#if defined(__GNUC__)
#define TG_BODY static inline __attribute__((always_inline))
#else
#define TG_BODY static inline
#endif

typedef enum {
    TG_SUM_WRAPS, /* biases of int32 in the model: 32 bits, which wrap, and two roundings, as in int8 layers */
    TG_SUM_WIDE,  /* 64 bits and one rounding; the products of a sum fit 32 bits, its bias too */
    TG_SUM_DEEP   /* the same where they do not: biases are int64_t */
} tg_sum_kind;

/* One of the two is used, as the kind says. */
typedef struct {
    int64_t deep;
    int32_t acc;
} tg_sum_s16;

TG_BODY void tg_sum_add(tg_sum_s16 *sum, tg_sum_kind kind, int32_t value, int32_t weight) {
    if (kind == TG_SUM_DEEP) {
        sum->deep += value * weight;
    } else {
        sum->acc = tg_mac(sum->acc, value, weight);
    }
}

/* The sum with the bias of channel c at the output's scale, without its zero point. */
TG_BODY int32_t tg_sum_scaled(const tg_sum_s16 *sum, tg_sum_kind kind, const void *bias, int32_t c, int32_t multiplier,
                              int32_t shift) {
    if (kind == TG_SUM_DEEP) {
        return tg_requantize64(sum->deep + ((const int64_t *)bias)[c], multiplier, shift);
    }
    const int32_t own = ((const int32_t *)bias)[c];
    if (kind == TG_SUM_WIDE) {
        return tg_requantize64((int64_t)sum->acc + own, multiplier, shift);
    }
    return tg_requantize(tg_add(sum->acc, own), multiplier, shift);
}

#endif
