/* matmul_packed.h - fully connected layers whose weights are stored compressed: read as they go, no scratch. */
#ifndef TG_MATMUL_PACKED_H
#define TG_MATMUL_PACKED_H

#include "tg_matmul_put.h"
#include "tg_packed.h"

/* tg_matmul_s8 with weights as tg_packed.h has them, int8 without zeros. Zeros cost no product. */
TG_KERNEL void tg_matmul_sparse_s8(const tg_matmul_params *p, const int8_t *x, const uint8_t *w, int32_t block_log2,
                                   const int32_t *bias, const int32_t *multiplier, const int8_t *shift, int8_t *y) {
    const uint8_t *next = w;
    for (int32_t c = 0; c < p->out_c; c++) {
        const uint8_t *weights = next;
        for (int32_t row = 0; row < p->rows; row++) {
            int32_t acc = bias[c];
            next = tg_dot_sparse(weights, p->depth, block_log2, x + row * p->depth, &acc);
            tg_matmul_put(p, row, c, acc, multiplier, shift, y);
        }
    }
}

/* The same with codes into a table: `table` for the layer, or one a row made of `centers`. */
TG_KERNEL void tg_matmul_lut_s8(const tg_matmul_params *p, const int8_t *x, const uint8_t *w, const int8_t *table,
                                const int32_t *centers, const int32_t *bias, const int32_t *multiplier,
                                const int8_t *shift, int8_t *y) {
    int8_t made[16];
    const uint8_t *next = w;
    for (int32_t c = 0; c < p->out_c; c++) {
        const uint8_t *weights = next;
        const int8_t *values = tg_row_table(&weights, table, centers, made);
        for (int32_t row = 0; row < p->rows; row++) {
            int32_t acc = bias[c];
            next = tg_dot_lut(weights, p->depth, values, x + row * p->depth, &acc);
            tg_matmul_put(p, row, c, acc, multiplier, shift, y);
        }
    }
}

/* The same with codes, and without zeros. */
TG_KERNEL void tg_matmul_sparse_lut_s8(const tg_matmul_params *p, const int8_t *x, const uint8_t *w, int32_t block_log2,
                                       const int8_t *table, const int32_t *centers, const int32_t *bias,
                                       const int32_t *multiplier, const int8_t *shift, int8_t *y) {
    int8_t made[16];
    const uint8_t *next = w;
    for (int32_t c = 0; c < p->out_c; c++) {
        const uint8_t *weights = next;
        const int8_t *values = tg_row_table(&weights, table, centers, made);
        for (int32_t row = 0; row < p->rows; row++) {
            int32_t acc = bias[c];
            next = tg_dot_sparse_lut(weights, p->depth, block_log2, values, x + row * p->depth, &acc);
            tg_matmul_put(p, row, c, acc, multiplier, shift, y);
        }
    }
}

#endif
