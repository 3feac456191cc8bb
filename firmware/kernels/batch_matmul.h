/* batch_matmul.h - int8 matrices times matrices known at run time, over broadcast batches. */
#ifndef TG_BATCH_MATMUL_H
#define TG_BATCH_MATMUL_H

#include "tg_loops.h"

typedef struct {
    TG_LOOPS_FIELDS /* over the batches; strides in values */
        int32_t rows,
        depth, columns;         /* y[rows, columns] = a[rows, depth] * b[depth, columns] */
    int32_t a_row, a_step;      /* what a advances from row to row and along the depth */
    int32_t b_column, b_step;   /* what b advances from column to column and along the depth */
    int32_t a_offset, b_offset; /* negated zero points */
    int32_t output_multiplier, output_shift;
    int32_t output_zero_point;
} tg_batch_matmul_params;

/* One product of matrices; y is dense. */
static inline void tg_batch_matmul_one(const tg_batch_matmul_params *p, const int8_t *a, const int8_t *b, int8_t *y) {
    for (int32_t row = 0; row < p->rows; row++) {
        for (int32_t column = 0; column < p->columns; column++) {
            const int8_t *left = a + row * p->a_row;
            const int8_t *right = b + column * p->b_column;
            int32_t sum = 0;
            for (int32_t i = 0; i < p->depth; i++) {
                sum = tg_mac(sum, left[i * p->a_step] + p->a_offset, right[i * p->b_step] + p->b_offset);
            }
            const int32_t scaled = tg_requantize(sum, p->output_multiplier, p->output_shift);
            *y++ = (int8_t)tg_clamp(tg_add(scaled, p->output_zero_point), INT8_MIN, INT8_MAX);
        }
    }
}

TG_KERNEL void tg_batch_matmul_s8(const tg_batch_matmul_params *p, const int8_t *a, const int8_t *b, int8_t *y) {
    for (int32_t i = 0; i < p->size[0]; i++) {
        for (int32_t j = 0; j < p->size[1]; j++) {
            for (int32_t k = 0; k < p->size[2]; k++) {
                for (int32_t n = 0; n < p->size[3]; n++) {
                    const int32_t at_a = i * p->stride1[0] + j * p->stride1[1] + k * p->stride1[2] + n * p->stride1[3];
                    const int32_t at_b = i * p->stride2[0] + j * p->stride2[1] + k * p->stride2[2] + n * p->stride2[3];
                    tg_batch_matmul_one(p, a + at_a, b + at_b, y);
                    y += p->rows * p->columns;
                }
            }
        }
    }
}

#endif
