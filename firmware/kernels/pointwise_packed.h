/* pointwise_packed.h - 1x1 convolutions whose weights are stored compressed: two filters at a time are written out. */
#ifndef TG_POINTWISE_PACKED_H
#define TG_POINTWISE_PACKED_H

#include "tg_matmul_put.h"
#include "tg_packed.h"

/* The outputs of channel c in all rows, and of c + 1 where `pair` is 1; their weights stand side by side in `filters`.
 */
static inline void tg_pointwise_rows(const tg_matmul_params *p, const int8_t *x, const int8_t *filters, int32_t c,
                                     int32_t pair, const int32_t *bias, const int32_t *multiplier, const int8_t *shift,
                                     int8_t *y) {
    const int32_t depth = p->depth;
    const int8_t *second = filters + pair * depth;
    for (int32_t row = 0; row < p->rows; row++) {
        int32_t a = bias[c];
        int32_t b = bias[c + pair];
        for (int32_t i = 0; i < depth; i++) {
            const int32_t value = x[i];
            a = tg_mac(a, value, filters[i]);
            b = tg_mac(b, value, second[i]);
        }
        const int32_t acc[2] = {a, b};
        for (int32_t k = 0; k <= pair; k++) {
            tg_matmul_put(p, row, c + k, acc[k], multiplier, shift, y);
        }
        x += depth;
    }
}

/* tg_matmul_s8 with weights as tg_packed.h has them, int8 without zeros; `filters` has room for two, or for one where
 * there is but one. Every filter is written out once and then used in all rows. */
TG_KERNEL void tg_pointwise_sparse_s8(const tg_matmul_params *p, const int8_t *x, const uint8_t *w, int32_t block_log2,
                                      int8_t *filters, const int32_t *bias, const int32_t *multiplier,
                                      const int8_t *shift, int8_t *y) {
    for (int32_t c = 0; c < p->out_c; c += 2) {
        const int32_t pair = c + 1 < p->out_c;
        for (int32_t k = 0; k <= pair; k++) {
            w = tg_expand_sparse(w, p->depth, block_log2, filters + k * p->depth);
        }
        tg_pointwise_rows(p, x, filters, c, pair, bias, multiplier, shift, y);
    }
}

/* The same with codes into a table: `table` for the layer, or one a filter made of `centers`. */
TG_KERNEL void tg_pointwise_lut_s8(const tg_matmul_params *p, const int8_t *x, const uint8_t *w, const int8_t *table,
                                   const int32_t *centers, int8_t *filters, const int32_t *bias,
                                   const int32_t *multiplier, const int8_t *shift, int8_t *y) {
    int8_t made[16];
    for (int32_t c = 0; c < p->out_c; c += 2) {
        const int32_t pair = c + 1 < p->out_c;
        for (int32_t k = 0; k <= pair; k++) {
            const int8_t *values = tg_row_table(&w, table, centers, made);
            w = tg_expand_lut(w, p->depth, values, filters + k * p->depth);
        }
        tg_pointwise_rows(p, x, filters, c, pair, bias, multiplier, shift, y);
    }
}

/* The same with codes, and without zeros. */
TG_KERNEL void tg_pointwise_sparse_lut_s8(const tg_matmul_params *p, const int8_t *x, const uint8_t *w,
                                          int32_t block_log2, const int8_t *table, const int32_t *centers,
                                          int8_t *filters, const int32_t *bias, const int32_t *multiplier,
                                          const int8_t *shift, int8_t *y) {
    int8_t made[16];
    for (int32_t c = 0; c < p->out_c; c += 2) {
        const int32_t pair = c + 1 < p->out_c;
        for (int32_t k = 0; k <= pair; k++) {
            const int8_t *values = tg_row_table(&w, table, centers, made);
            w = tg_expand_sparse_lut(w, p->depth, block_log2, values, filters + k * p->depth);
        }
        tg_pointwise_rows(p, x, filters, c, pair, bias, multiplier, shift, y);
    }
}

#endif
