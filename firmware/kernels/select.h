/* select.h - one of two operands where a third holds, the other elsewhere; all three broadcast, of any type. */
#ifndef TG_SELECT_H
#define TG_SELECT_H

#include "tg_loops.h"

typedef struct {
    TG_LOOPS_FIELDS         /* operand 1 decides */
        int32_t stride3[4]; /* of the operand that is taken elsewhere */
    int32_t item;           /* bytes of a value */
} tg_select_params;

TG_KERNEL void tg_select(const tg_select_params *p, const uint8_t *holds, const void *x1, const void *x2, void *y) {
    uint8_t *to = (uint8_t *)y;
    for (int32_t i = 0; i < p->size[0]; i++) {
        for (int32_t j = 0; j < p->size[1]; j++) {
            for (int32_t k = 0; k < p->size[2]; k++) {
                const uint8_t *c = holds + i * p->stride1[0] + j * p->stride1[1] + k * p->stride1[2];
                int32_t a = i * p->stride2[0] + j * p->stride2[1] + k * p->stride2[2];
                int32_t b = i * p->stride3[0] + j * p->stride3[1] + k * p->stride3[2];
                for (int32_t n = 0; n < p->size[3]; n++) {
                    const uint8_t *from = *c ? (const uint8_t *)x1 + a * p->item : (const uint8_t *)x2 + b * p->item;
                    memcpy(to, from, (size_t)p->item);
                    to += p->item;
                    c += p->stride1[3];
                    a += p->stride2[3];
                    b += p->stride3[3];
                }
            }
        }
    }
}

#endif
