/* comparison.h - two operands compared, broadcast; the result is 0 or 1 a value. */
#ifndef TG_COMPARISON_H
#define TG_COMPARISON_H

#include "tg_loops.h"

typedef struct {
    TG_LOOPS_FIELDS
    int32_t result[3];                            /* where operand 1 is less, equal, greater */
    int32_t input1_offset, input2_offset;         /* negated zero points */
    int32_t input1_multiplier, input2_multiplier; /* of int8 alone, as the shifts */
    int32_t input1_shift, input2_shift;           /* to the right */
} tg_comparison_params;

/* int8 values get 8 more bits and are scaled to real numbers before they are compared. */
static inline int32_t tg_comparable(int32_t value, int32_t offset, int32_t multiplier, int32_t shift) {
    return tg_divide_by_pot(tg_high_mul((value + offset) * (1 << 8), multiplier), shift);
}

#define TG_SCALED1(a) tg_comparable((a), p->input1_offset, p->input1_multiplier, p->input1_shift)
#define TG_SCALED2(b) tg_comparable((b), p->input2_offset, p->input2_multiplier, p->input2_shift)
#define TG_PLAIN(a) (a)

#define TG_COMPARISON(name, type, first, second)                                                     \
    TG_KERNEL void name(const tg_comparison_params *p, const type *x1, const type *x2, uint8_t *y) { \
        for (int32_t i = 0; i < p->size[0]; i++) {                                                   \
            for (int32_t j = 0; j < p->size[1]; j++) {                                               \
                for (int32_t k = 0; k < p->size[2]; k++) {                                           \
                    const type *a = x1 + i * p->stride1[0] + j * p->stride1[1] + k * p->stride1[2];  \
                    const type *b = x2 + i * p->stride2[0] + j * p->stride2[1] + k * p->stride2[2];  \
                    for (int32_t n = 0; n < p->size[3]; n++) {                                       \
                        const int32_t left = first(*a);                                              \
                        const int32_t right = second(*b);                                            \
                        *y++ = (uint8_t)p->result[1 + (left > right) - (left < right)];              \
                        a += p->stride1[3];                                                          \
                        b += p->stride2[3];                                                          \
                    }                                                                                \
                }                                                                                    \
            }                                                                                        \
        }                                                                                            \
    }

TG_COMPARISON(tg_compare_s8, int8_t, TG_SCALED1, TG_SCALED2)
TG_COMPARISON(tg_compare_s32, int32_t, TG_PLAIN, TG_PLAIN)
TG_COMPARISON(tg_compare_bool, uint8_t, TG_PLAIN, TG_PLAIN)

#undef TG_SCALED1
#undef TG_SCALED2
#undef TG_PLAIN

#endif
