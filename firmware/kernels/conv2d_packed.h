/* conv2d_packed.h - convolutions whose weights are stored compressed: two filters at a time are written out. */
#ifndef TG_CONV2D_PACKED_H
#define TG_CONV2D_PACKED_H

#include "conv2d.h"
#include "tg_packed.h"

/* One or two filters of one group as a convolution of their own, which reads their group's channels of x. */
typedef struct {
    tg_conv2d_params params;
    int32_t start; /* the group's first channel */
    int32_t left;  /* filters of the group that are still to come, these included */
} tg_filters;

static inline tg_filters tg_first_filters(const tg_conv2d_params *p) {
    tg_filters f;
    f.params = *p;
    f.start = 0;
    f.left = p->group_filters;
    f.params.out_c = f.params.group_filters = tg_min(f.left, 2);
    f.params.out_gap = p->out_c - f.params.out_c;
    return f;
}

static inline void tg_next_filters(const tg_conv2d_params *p, tg_filters *f) {
    f->left -= f->params.out_c;
    if (f->left == 0) {
        f->left = p->group_filters;
        f->start += p->group_c;
    }
    f->params.out_c = f->params.group_filters = tg_min(f->left, 2);
    f->params.out_gap = p->out_c - f->params.out_c;
}

/* tg_conv2d_s8 with weights as tg_packed.h has them, int8 without zeros; `filters` has room for two, or for one where a
 * group has no more. Every filter is written out once and then used at all places. */
TG_KERNEL void tg_conv2d_sparse_s8(const tg_conv2d_params *p, const int8_t *x, const uint8_t *w, int32_t block_log2,
                                   int8_t *filters, const int32_t *bias, const int32_t *multiplier, const int8_t *shift,
                                   int8_t *y) {
    const int32_t size = p->kernel_h * p->kernel_w * p->group_c;
    tg_filters f = tg_first_filters(p);
    for (int32_t c = 0; c < p->out_c; c += f.params.out_c, tg_next_filters(p, &f)) {
        for (int32_t k = 0; k < f.params.out_c; k++) {
            w = tg_expand_sparse(w, size, block_log2, filters + k * size);
        }
        tg_conv2d_s8(&f.params, x + f.start, filters, bias + c, multiplier + c, shift + c, y + c);
    }
}

/* The same with codes into a table: `table` for the layer, or one a filter made of `centers`. */
TG_KERNEL void tg_conv2d_lut_s8(const tg_conv2d_params *p, const int8_t *x, const uint8_t *w, const int8_t *table,
                                const int32_t *centers, int8_t *filters, const int32_t *bias, const int32_t *multiplier,
                                const int8_t *shift, int8_t *y) {
    const int32_t size = p->kernel_h * p->kernel_w * p->group_c;
    int8_t made[16];
    tg_filters f = tg_first_filters(p);
    for (int32_t c = 0; c < p->out_c; c += f.params.out_c, tg_next_filters(p, &f)) {
        for (int32_t k = 0; k < f.params.out_c; k++) {
            const int8_t *values = tg_row_table(&w, table, centers, made);
            w = tg_expand_lut(w, size, values, filters + k * size);
        }
        tg_conv2d_s8(&f.params, x + f.start, filters, bias + c, multiplier + c, shift + c, y + c);
    }
}

/* The same with codes, and without zeros. */
TG_KERNEL void tg_conv2d_sparse_lut_s8(const tg_conv2d_params *p, const int8_t *x, const uint8_t *w, int32_t block_log2,
                                       const int8_t *table, const int32_t *centers, int8_t *filters,
                                       const int32_t *bias, const int32_t *multiplier, const int8_t *shift, int8_t *y) {
    const int32_t size = p->kernel_h * p->kernel_w * p->group_c;
    int8_t made[16];
    tg_filters f = tg_first_filters(p);
    for (int32_t c = 0; c < p->out_c; c += f.params.out_c, tg_next_filters(p, &f)) {
        for (int32_t k = 0; k < f.params.out_c; k++) {
            const int8_t *values = tg_row_table(&w, table, centers, made);
            w = tg_expand_sparse_lut(w, size, block_log2, values, filters + k * size);
        }
        tg_conv2d_s8(&f.params, x + f.start, filters, bias + c, multiplier + c, shift + c, y + c);
    }
}

#endif
