/* batch_matmul_s16.h - int16 matrices times matrices known at run time, over broadcast batches. */
#ifndef TG_BATCH_MATMUL_S16_H
#define TG_BATCH_MATMUL_S16_H

#include "tg_loops.h"
#include "tg_requantize64.h"

typedef struct {
    TG_LOOPS_FIELDS /* over the batches; strides in values */
        int32_t rows,
        depth, columns;       /* y[rows, columns] = a[rows, depth] * b[depth, columns] */
    int32_t a_row, a_step;    /* what a advances from row to row and along the depth */
    int32_t b_column, b_step; /* what b advances from column to column and along the depth */
    int32_t output_multiplier, output_shift;
} tg_batch_matmul_s16_params;

/* One product of matrices; y is dense. Zero points are 0. */
static inline void tg_batch_matmul_s16_one(const tg_batch_matmul_s16_params *p, const int16_t *a, const int16_t *b,
                                           int16_t *y) {
    for (int32_t row = 0; row < p->rows; row++) {
        for (int32_t column = 0; column < p->columns; column++) {
            const int16_t *left = a + row * p->a_row;
            const int16_t *right = b + column * p->b_column;
            int64_t sum = 0;
            for (int32_t i = 0; i < p->depth; i++) {
                sum += (int32_t)left[i * p->a_step] * right[i * p->b_step];
            }
            const int32_t out = tg_requantize64(sum, p->output_multiplier, p->output_shift);
            *y++ = (int16_t)tg_clamp(out, INT16_MIN, INT16_MAX);
        }
    }
}

TG_KERNEL void tg_batch_matmul_s16(const tg_batch_matmul_s16_params *p, const int16_t *a, const int16_t *b,
                                   int16_t *y) {
    for (int32_t i = 0; i < p->size[0]; i++) {
        for (int32_t j = 0; j < p->size[1]; j++) {
            for (int32_t k = 0; k < p->size[2]; k++) {
                for (int32_t n = 0; n < p->size[3]; n++) {
                    const int32_t at_a = i * p->stride1[0] + j * p->stride1[1] + k * p->stride1[2] + n * p->stride1[3];
                    const int32_t at_b = i * p->stride2[0] + j * p->stride2[1] + k * p->stride2[2] + n * p->stride2[3];
                    tg_batch_matmul_s16_one(p, a + at_a, b + at_b, y);
                    y += p->rows * p->columns;
                }
            }
        }
    }
}

#endif
