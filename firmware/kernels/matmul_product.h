/* matmul_product.h - fully connected layers whose weights are product quantized: codewords, and a code each.
 *
 * The inputs are cut into subspaces of `length` values. A book has `codewords` int8 vectors of that length and stands
 * for `share` subspaces one after the other; each output has a code in each subspace. */
#ifndef TG_MATMUL_PRODUCT_H
#define TG_MATMUL_PRODUCT_H

#include "tg_matmul_put.h"

/* A codeword times as many inputs, added to acc. */
static inline int32_t tg_dot_word(const int8_t *x, const int8_t *word, int32_t length, int32_t acc) {
    for (int32_t i = 0; i < length; i++) {
        acc = tg_mac(acc, x[i], word[i]);
    }
    return acc;
}

/* tg_matmul_s8 with at most 16 codewords a book. Subspace by subspace come the outputs' codes, of 4 bits, lower half of
 * a byte first, each subspace from a byte on. What the codewords make of a subspace's inputs is computed once and then
 * added up by code; `sums` has room for that and the outputs' sums, codewords + out_c. */
TG_KERNEL void tg_matmul_product_s8(const tg_matmul_params *p, const int8_t *x, const uint8_t *w, const int8_t *books,
                                    int32_t length, int32_t codewords, int32_t share, int32_t *sums,
                                    const int32_t *bias, const int32_t *multiplier, const int8_t *shift, int8_t *y) {
    int32_t *acc = sums + codewords;
    for (int32_t row = 0; row < p->rows; row++) {
        const uint8_t *code = w;
        const int8_t *book = books;
        int32_t left = share;
        for (int32_t c = 0; c < p->out_c; c++) {
            acc[c] = bias[c];
        }
        for (const int8_t *end = x + p->depth; x < end; x += length) {
            for (int32_t k = 0; k < codewords; k++) {
                sums[k] = tg_dot_word(x, book + k * length, length, 0);
            }
            for (int32_t c = 0; c + 1 < p->out_c; c += 2) {
                const uint32_t codes = *code++;
                acc[c] = tg_add(acc[c], sums[codes & 15u]);
                acc[c + 1] = tg_add(acc[c + 1], sums[codes >> 4]);
            }
            if (p->out_c & 1) { /* the upper half of its byte is 0 */
                acc[p->out_c - 1] = tg_add(acc[p->out_c - 1], sums[*code++]);
            }
            if (--left == 0) {
                left = share;
                book += codewords * length;
            }
        }
        for (int32_t c = 0; c < p->out_c; c++) {
            tg_matmul_put(p, row, c, acc[c], multiplier, shift, y);
        }
    }
}

/* The same with at most 256 codewords a book. Output by output come its codes, of 8 bits; their codewords are read as
 * they go, for a book has about as many as there are outputs. */
TG_KERNEL void tg_matmul_product8_s8(const tg_matmul_params *p, const int8_t *x, const uint8_t *w, const int8_t *books,
                                     int32_t length, int32_t codewords, int32_t share, const int32_t *bias,
                                     const int32_t *multiplier, const int8_t *shift, int8_t *y) {
    for (int32_t row = 0; row < p->rows; row++) {
        const uint8_t *code = w;
        const int8_t *end = x + p->depth;
        for (int32_t c = 0; c < p->out_c; c++) {
            const int8_t *book = books;
            int32_t left = share;
            int32_t acc = bias[c];
            for (const int8_t *a = x; a < end; a += length) {
                acc = tg_dot_word(a, book + *code++ * length, length, acc);
                if (--left == 0) {
                    left = share;
                    book += codewords * length;
                }
            }
            tg_matmul_put(p, row, c, acc, multiplier, shift, y);
        }
        x = end;
    }
}

#endif
