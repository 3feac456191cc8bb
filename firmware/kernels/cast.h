/* cast.h - numbers of one type as another: integers wrap, floats lose their fraction, all but 0 is true. */
#ifndef TG_CAST_H
#define TG_CAST_H

#include "tg_kernel.h"

/* C leaves floats beyond the integer's range undefined; here they give its ends, and NaN 0. */
static inline int32_t tg_truncate(float x, float low, float high, int32_t min, int32_t max) {
    return x >= high ? max : x <= low ? min : x == x ? (int32_t)x : 0;
}

#define TG_PLAIN_CAST(name, from, to)                          \
    TG_KERNEL void name(const from *x, to *y, int32_t count) { \
        for (int32_t i = 0; i < count; i++) {                  \
            y[i] = (to)x[i];                                   \
        }                                                      \
    }

#define TG_FLOAT_CAST(name, to, low, high, min, max)                   \
    TG_KERNEL void name(const float *x, to *y, int32_t count) {        \
        for (int32_t i = 0; i < count; i++) {                          \
            y[i] = (to)tg_truncate(x[i], (low), (high), (min), (max)); \
        }                                                              \
    }

#define TG_TRUTH_CAST(name, from)                                   \
    TG_KERNEL void name(const from *x, uint8_t *y, int32_t count) { \
        for (int32_t i = 0; i < count; i++) {                       \
            y[i] = !(x[i] == 0);                                    \
        }                                                           \
    }

TG_PLAIN_CAST(tg_cast_s8_s16, int8_t, int16_t)
TG_PLAIN_CAST(tg_cast_s8_s32, int8_t, int32_t)
TG_PLAIN_CAST(tg_cast_s8_f32, int8_t, float)
TG_PLAIN_CAST(tg_cast_s16_s8, int16_t, int8_t)
TG_PLAIN_CAST(tg_cast_s16_s32, int16_t, int32_t)
TG_PLAIN_CAST(tg_cast_s16_f32, int16_t, float)
TG_PLAIN_CAST(tg_cast_s32_s8, int32_t, int8_t)
TG_PLAIN_CAST(tg_cast_s32_s16, int32_t, int16_t)
TG_PLAIN_CAST(tg_cast_s32_f32, int32_t, float)
TG_PLAIN_CAST(tg_cast_bool_s8, uint8_t, int8_t)
TG_PLAIN_CAST(tg_cast_bool_s16, uint8_t, int16_t)
TG_PLAIN_CAST(tg_cast_bool_s32, uint8_t, int32_t)
TG_PLAIN_CAST(tg_cast_bool_f32, uint8_t, float)
TG_FLOAT_CAST(tg_cast_f32_s8, int8_t, -128.0f, 127.0f, INT8_MIN, INT8_MAX)
TG_FLOAT_CAST(tg_cast_f32_s16, int16_t, -32768.0f, 32767.0f, INT16_MIN, INT16_MAX)
TG_FLOAT_CAST(tg_cast_f32_s32, int32_t, -2147483648.0f, 2147483648.0f, INT32_MIN, INT32_MAX)
TG_TRUTH_CAST(tg_cast_s8_bool, int8_t)
TG_TRUTH_CAST(tg_cast_s16_bool, int16_t)
TG_TRUTH_CAST(tg_cast_s32_bool, int32_t)
TG_TRUTH_CAST(tg_cast_f32_bool, float)

#endif
