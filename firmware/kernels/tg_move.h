/* tg_move.h - copies chunks of bytes between two strided layouts: what transposes, slices and padding are made of. */
#ifndef TG_MOVE_H
#define TG_MOVE_H

#include "tg_kernel.h"

#define TG_MOVE_LOOPS 6

#define TG_MOVE_FIELDS                                                         \
    int32_t chunk;                   /* bytes that lie side by side in both */ \
    int32_t size[TG_MOVE_LOOPS];     /* chunks, outermost loop first */        \
    int32_t x_stride[TG_MOVE_LOOPS]; /* bytes that x advances in each loop */  \
    int32_t y_stride[TG_MOVE_LOOPS];                                           \
    int32_t x_start, y_start;

typedef struct {
    TG_MOVE_FIELDS
} tg_move_params;

/* Moves one innermost row. */
static inline void tg_move_row(const tg_move_params *p, const uint8_t *x, uint8_t *y) {
    const int32_t step_x = p->x_stride[TG_MOVE_LOOPS - 1];
    const int32_t step_y = p->y_stride[TG_MOVE_LOOPS - 1];
    int32_t from = 0;
    int32_t to = 0;
    for (int32_t i = 0; i < p->size[TG_MOVE_LOOPS - 1]; i++) {
        if (p->chunk == 1) {
            y[to] = x[from];
        } else {
            memcpy(y + to, x + from, (size_t)p->chunk);
        }
        from += step_x;
        to += step_y;
    }
}

/* The outer loops count like an odometer; offsets stay inside both tensors whenever a row is moved. */
static inline void tg_move_all(const tg_move_params *p, const uint8_t *x, uint8_t *y) {
    int32_t at[TG_MOVE_LOOPS] = {0};
    int32_t from = p->x_start;
    int32_t to = p->y_start;
    for (;;) {
        tg_move_row(p, x + from, y + to);
        int32_t loop = TG_MOVE_LOOPS - 2;
        while (loop >= 0 && ++at[loop] == p->size[loop]) {
            at[loop] = 0;
            from -= (p->size[loop] - 1) * p->x_stride[loop];
            to -= (p->size[loop] - 1) * p->y_stride[loop];
            loop--;
        }
        if (loop < 0) {
            return;
        }
        from += p->x_stride[loop];
        to += p->y_stride[loop];
    }
}

#endif
