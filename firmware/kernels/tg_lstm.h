/* tg_lstm.h - what LSTM layers of int8 and of int16 share: from the sums of a unit's gates to its new states.
 *
 * Gates stand in the order input, forget, cell, output. Their values before the activation have 12 bits behind the
 * point, after it 15. What belongs to their sums stands in the order over x, over the hidden state. */
#ifndef TG_LSTM_H
#define TG_LSTM_H

#include "sigmoid.h"

typedef struct {
    int32_t batches, steps;
    int32_t batch_rows, step_rows;       /* what x and y advance in rows from batch to batch and from step to step */
    int32_t depth, units;                /* values in a row of x and of y */
    int32_t multiplier[8], shift[8];     /* of the gates' sums over x, then of those over the hidden state */
    int32_t state_bias;                  /* there are biases of the sums over the hidden state */
    int32_t cell_multiplier, cell_shift; /* of the input gate times the cell gate */
    int32_t cell_min, cell_max;
    int32_t tanh_multiplier, tanh_shift; /* of the cell state, see sigmoid.h */
    int32_t hidden_multiplier, hidden_shift, hidden_zero_point;
    int32_t hidden_min, hidden_max;
} tg_lstm_params;

static inline int32_t tg_lstm_clamp(int32_t x) { return tg_clamp(x, INT16_MIN, INT16_MAX); }

/* The activations of the gates: the hyperbolic tangent of the cell gate, the logistic function of the others. */
static inline void tg_lstm_activate(int32_t gate[4], const int16_t *table) {
    const tg_sigmoid_params scaling = {1, 3, 0};
    for (int32_t k = 0; k < 4; k++) {
        gate[k] = k == 2 ? tg_sigmoid_half(&scaling, gate[k], table, 8, 32767 * 256, 8)
                         : tg_sigmoid_half(&scaling, gate[k], table, 9, 32766 * 512, 10) + 16384;
    }
}

/* Changes the unit's cell state and returns its hidden state. Products of activations are below 2^30. */
static inline int32_t tg_lstm_unit(const tg_lstm_params *p, int32_t gate[4], const int16_t *table, int16_t *cell) {
    const tg_sigmoid_params scaling = {1, p->tanh_multiplier, p->tanh_shift};
    tg_lstm_activate(gate, table);
    const int32_t kept = tg_requantize(gate[1] * *cell, 1 << 30, -14);
    const int32_t added = tg_lstm_clamp(tg_requantize(gate[0] * gate[2], p->cell_multiplier, p->cell_shift));
    *cell = (int16_t)tg_clamp(kept + added, p->cell_min, p->cell_max);
    const int32_t shown = tg_sigmoid_half(&scaling, *cell, table, 8, 32767 * 256, 8);
    const int32_t hidden = tg_requantize(shown * gate[3], p->hidden_multiplier, p->hidden_shift);
    return tg_clamp(tg_add(hidden, p->hidden_zero_point), p->hidden_min, p->hidden_max);
}

/* The steps of a layer. `add` adds to a unit's four gates what comes of n values (x, or the hidden state before), their
 * weights w[4, n] and their four biases, NULL where there are none; `first` is 0 for x and 4 for the hidden state. A
 * step's row of y is the hidden state of the next. */
#define TG_LSTM(name, type, bias_type, add)                                                                          \
    TG_KERNEL void name(const tg_lstm_params *p, const type *x, const int8_t *w, const bias_type *bias,              \
                        const int16_t *table, type *hidden, int16_t *cell, type *y) {                                \
        for (int32_t b = 0; b < p->batches; b++) {                                                                   \
            const type *before = hidden;                                                                             \
            for (int32_t step = 0; step < p->steps; step++) {                                                        \
                const int32_t row = b * p->batch_rows + step * p->step_rows;                                         \
                const int8_t *weights = w;                                                                           \
                const bias_type *start = bias;                                                                       \
                type *out = y + row * p->units;                                                                      \
                for (int32_t unit = 0; unit < p->units; unit++) {                                                    \
                    int32_t gate[4] = {0, 0, 0, 0};                                                                  \
                    for (int32_t first = 0; first < 8; first += 4) {                                                 \
                        const int32_t n = first ? p->units : p->depth;                                               \
                        const int biased = !first || p->state_bias;                                                  \
                        add(p, first, gate, first ? before : x + row * p->depth, weights, n, biased ? start : NULL); \
                        weights += 4 * n;                                                                            \
                        start += biased ? 4 : 0;                                                                     \
                    }                                                                                                \
                    out[unit] = (type)tg_lstm_unit(p, gate, table, cell + unit);                                     \
                }                                                                                                    \
                before = out;                                                                                        \
            }                                                                                                        \
            for (int32_t unit = 0; unit < p->units; unit++) {                                                        \
                hidden[unit] = before[unit];                                                                         \
            }                                                                                                        \
            hidden += p->units;                                                                                      \
            cell += p->units;                                                                                        \
        }                                                                                                            \
    }

#endif
