/* tg_loops.h - loops over two broadcast operands: at most four dimensions, a stride of 0 where one repeats. */
#ifndef TG_LOOPS_H
#define TG_LOOPS_H

#include "tg_kernel.h"

#define TG_LOOPS_FIELDS                                            \
    int32_t size[4];    /* of the result, outermost first */       \
    int32_t stride1[4]; /* what operand 1 advances in each loop */ \
    int32_t stride2[4];

/* A kernel of two operands; `value` is what it makes of *a and *b, in an int32. The result has the first's type. */
#define TG_BINARY(name, params, type1, type2, value)                                                 \
    TG_KERNEL void name(const params *p, const type1 *x1, const type2 *x2, type1 *y) {               \
        for (int32_t i = 0; i < p->size[0]; i++) {                                                   \
            for (int32_t j = 0; j < p->size[1]; j++) {                                               \
                for (int32_t k = 0; k < p->size[2]; k++) {                                           \
                    const type1 *a = x1 + i * p->stride1[0] + j * p->stride1[1] + k * p->stride1[2]; \
                    const type2 *b = x2 + i * p->stride2[0] + j * p->stride2[1] + k * p->stride2[2]; \
                    for (int32_t n = 0; n < p->size[3]; n++) {                                       \
                        *y++ = (type1)(value);                                                       \
                        a += p->stride1[3];                                                          \
                        b += p->stride2[3];                                                          \
                    }                                                                                \
                }                                                                                    \
            }                                                                                        \
        }                                                                                            \
    }

#endif
