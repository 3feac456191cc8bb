/* tg_packed.h - rows of int8 weights stored compressed: read one after the other, exact to the bit.
 *
 * A row begins at a byte; first in it is its factor, lowest byte first, or its table, where it has one. A sparse row has
 * a bitmap then, one bit for each block of 2^block_log2 weights, lowest first, and only the blocks whose bit is set are
 * stored. Weights are int8 values, or codes of 4 bits into a table, lower half of a byte first. */
#ifndef TG_PACKED_H
#define TG_PACKED_H

#include "tg_kernel.h"

/* The table of a row: `shared`; or, where there are centers, each of them times the row's factor, rounded, at 2^-32.
 * centers[0] is the bytes of a factor, centers[1] how many follow, at most 16; what a row does not use may come to
 * anything. A factor of no bytes says that the row begins with the table itself. */
static inline const int8_t *tg_row_table(const uint8_t **row, const int8_t *shared, const int32_t *centers,
                                         int8_t *made) {
    if (!centers) {
        return shared;
    }
    const int32_t count = centers[1];
    if (centers[0] == 0) {
        const uint8_t *own = *row;
        *row += count;
        return (const int8_t *)own;
    }
    int32_t factor = 0;
    for (int32_t i = 0; i < centers[0]; i++) {
        factor |= (int32_t)*(*row)++ << (8 * i);
    }
    for (int32_t i = 0; i < count; i++) {
        made[i] = (int8_t)(((int64_t)centers[2 + i] * factor + ((int64_t)1 << 31)) >> 32);
    }
    return made;
}

/* The bytes of the bitmap of `blocks` blocks. */
static inline int32_t tg_bitmap_bytes(int32_t blocks) { return (blocks + 7) >> 3; }

/* A row of n int8 weights without those that are zero, times x, and added to acc; the row behind is returned. */
static inline const uint8_t *tg_dot_sparse(const uint8_t *row, int32_t n, int32_t block_log2, const int8_t *x,
                                           int32_t *acc) {
    const int32_t block = 1 << block_log2;
    const uint8_t *stored = row + tg_bitmap_bytes(n >> block_log2);
    int32_t sum = *acc;
    int32_t first = 0; /* of the weights of a byte of the bitmap */
    for (const uint8_t *end = stored; row < end; first += 8 * block) {
        const int8_t *a = x + first;
        for (uint32_t bits = *row++; bits != 0; bits >>= 1, a += block) {
            if (bits & 1u) {
                for (int32_t i = 0; i < block; i++) {
                    sum = tg_mac(sum, a[i], (int8_t)*stored++);
                }
            }
        }
    }
    *acc = sum;
    return stored;
}

/* The same of codes, in a sparse row. A half byte that was read is kept with bit 4 set. */
static inline const uint8_t *tg_dot_sparse_lut(const uint8_t *row, int32_t n, int32_t block_log2, const int8_t *table,
                                               const int8_t *x, int32_t *acc) {
    const int32_t block = 1 << block_log2;
    const uint8_t *stored = row + tg_bitmap_bytes(n >> block_log2);
    uint32_t kept = 0;
    int32_t sum = *acc;
    int32_t first = 0; /* of the weights of a byte of the bitmap */
    for (const uint8_t *end = stored; row < end; first += 8 * block) {
        const int8_t *a = x + first;
        for (uint32_t bits = *row++; bits != 0; bits >>= 1, a += block) {
            if (bits & 1u) {
                for (int32_t i = 0; i < block; i++) {
                    const uint32_t codes = kept ? kept : *stored++;
                    kept = kept ? 0u : (codes >> 4) | 16u;
                    sum = tg_mac(sum, a[i], table[codes & 15u]);
                }
            }
        }
    }
    *acc = sum;
    return stored;
}

/* The same of codes for all weights. */
static inline const uint8_t *tg_dot_lut(const uint8_t *row, int32_t n, const int8_t *table, const int8_t *x,
                                        int32_t *acc) {
    int32_t sum = *acc;
    for (const int8_t *last = x + n - 1; x < last; x += 2) {
        const uint32_t codes = *row++;
        sum = tg_mac(sum, x[0], table[codes & 15u]);
        sum = tg_mac(sum, x[1], table[codes >> 4]);
    }
    if (n & 1) {
        sum = tg_mac(sum, *x, table[*row++ & 15u]);
    }
    *acc = sum;
    return row;
}

/* A sparse row of n int8 weights, written out; the row behind is returned. */
static inline const uint8_t *tg_expand_sparse(const uint8_t *row, int32_t n, int32_t block_log2, int8_t *w) {
    const int32_t block = 1 << block_log2;
    const uint8_t *stored = row + tg_bitmap_bytes(n >> block_log2);
    uint32_t bits = 1;
    for (const int8_t *end = w + n; w < end; bits >>= 1) {
        bits = bits == 1 ? *row++ | 256u : bits;
        for (int32_t i = 0; i < block; i++) {
            *w++ = bits & 1u ? (int8_t)*stored++ : 0;
        }
    }
    return stored;
}

/* The same of codes, in a sparse row. */
static inline const uint8_t *tg_expand_sparse_lut(const uint8_t *row, int32_t n, int32_t block_log2,
                                                  const int8_t *table, int8_t *w) {
    const int32_t block = 1 << block_log2;
    const uint8_t *stored = row + tg_bitmap_bytes(n >> block_log2);
    uint32_t bits = 1;
    uint32_t kept = 0;
    for (const int8_t *end = w + n; w < end; bits >>= 1) {
        bits = bits == 1 ? *row++ | 256u : bits;
        for (int32_t i = 0; i < block; i++) {
            int8_t value = 0;
            if (bits & 1u) {
                const uint32_t codes = kept ? kept : *stored++;
                kept = kept ? 0u : (codes >> 4) | 16u;
                value = table[codes & 15u];
            }
            *w++ = value;
        }
    }
    return stored;
}

/* The same of codes for all weights. */
static inline const uint8_t *tg_expand_lut(const uint8_t *row, int32_t n, const int8_t *table, int8_t *w) {
    for (int32_t i = 0; i < n; i += 2) {
        const uint32_t codes = *row++;
        w[i] = table[codes & 15u];
        if (i + 1 < n) {
            w[i + 1] = table[codes >> 4];
        }
    }
    return row;
}

#endif
