/* logical.h - and, or, not of truth values, 0 or 1 each. */
#ifndef TG_LOGICAL_H
#define TG_LOGICAL_H

#include "tg_loops.h"

typedef struct {
    TG_LOOPS_FIELDS
} tg_logical_params;

#define TG_LOGICAL(name, operation)                                                                     \
    TG_KERNEL void name(const tg_logical_params *p, const uint8_t *x1, const uint8_t *x2, uint8_t *y) { \
        for (int32_t i = 0; i < p->size[0]; i++) {                                                      \
            for (int32_t j = 0; j < p->size[1]; j++) {                                                  \
                for (int32_t k = 0; k < p->size[2]; k++) {                                              \
                    const uint8_t *a = x1 + i * p->stride1[0] + j * p->stride1[1] + k * p->stride1[2];  \
                    const uint8_t *b = x2 + i * p->stride2[0] + j * p->stride2[1] + k * p->stride2[2];  \
                    for (int32_t n = 0; n < p->size[3]; n++) {                                          \
                        *y++ = (uint8_t)(*a operation * b);                                             \
                        a += p->stride1[3];                                                             \
                        b += p->stride2[3];                                                             \
                    }                                                                                   \
                }                                                                                       \
            }                                                                                           \
        }                                                                                               \
    }

TG_LOGICAL(tg_logical_and, &&)
TG_LOGICAL(tg_logical_or, ||)

/* x may be y. */
TG_KERNEL void tg_logical_not(const uint8_t *x, uint8_t *y, int32_t count) {
    for (int32_t i = 0; i < count; i++) {
        y[i] = !x[i];
    }
}

#endif
