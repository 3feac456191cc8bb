/* tg_loops.h - loops over two broadcast operands: at most four dimensions, a stride of 0 where one repeats. */
#ifndef TG_LOOPS_H
#define TG_LOOPS_H

#include "tg_kernel.h"

#define TG_LOOPS_FIELDS                                            \
    int32_t size[4];    /* of the result, outermost first */       \
    int32_t stride1[4]; /* what operand 1 advances in each loop */ \
    int32_t stride2[4];

#endif
