/* tg_lstm.h - what LSTM layers of int8 and of int16 share: from the sums of a unit's gates to its new states.
 *
 * Gates stand in the order input, forget, cell, output. Their values before the activation have 12 bits behind the
 * point, after it 15. */
#ifndef TG_LSTM_H
#define TG_LSTM_H

#include "sigmoid.h"

typedef struct {
    int32_t batches, steps;
    int32_t batch_rows, step_rows; /* what x and y advance in rows from batch to batch and from step to step */
    int32_t depth, units;          /* values in a row of x and of y */
    int32_t input_multiplier[4], input_shift[4]; /* of the gates' sums over x */
    int32_t state_multiplier[4], state_shift[4]; /* of the gates' sums over the hidden state */
    int32_t state_bias;                          /* there are biases of the sums over the hidden state */
    int32_t cell_multiplier, cell_shift;         /* of the input gate times the cell gate */
    int32_t cell_min, cell_max;
    int32_t tanh_multiplier, tanh_shift; /* of the cell state, see sigmoid.h */
    int32_t hidden_multiplier, hidden_shift, hidden_zero_point;
    int32_t hidden_min, hidden_max;
} tg_lstm_params;

static inline int32_t tg_lstm_clamp(int32_t x) { return tg_clamp(x, INT16_MIN, INT16_MAX); }

/* A gate before its activation, from its two sums. */
static inline int32_t tg_lstm_gate(int32_t from_input, int32_t from_state) {
    return tg_lstm_clamp(tg_lstm_clamp(from_input) + tg_lstm_clamp(from_state));
}

static inline int32_t tg_lstm_logistic(int32_t x, const int16_t *table) {
    const tg_sigmoid_params scaling = {1, 3, 0};
    return 16384 + tg_sigmoid_half(&scaling, x, table, 9, 32766 * 512, 10);
}

static inline int32_t tg_lstm_tanh(int32_t x, int32_t multiplier, int32_t shift, const int16_t *table) {
    const tg_sigmoid_params scaling = {1, multiplier, shift};
    return tg_sigmoid_half(&scaling, x, table, 8, 32767 * 256, 8);
}

/* Changes the unit's cell state and returns its hidden state. */
static inline int32_t tg_lstm_unit(const tg_lstm_params *p, const int32_t gate[4], const int16_t *table,
                                   int16_t *cell) {
    const int32_t input = tg_lstm_logistic(gate[0], table);
    const int32_t forget = tg_lstm_logistic(gate[1], table);
    const int32_t fresh = tg_lstm_tanh(gate[2], 3, 0, table);
    const int32_t output = tg_lstm_logistic(gate[3], table);
    const int32_t kept = tg_requantize(forget * *cell, 1 << 30, -14);
    const int32_t added = tg_lstm_clamp(tg_requantize(input * fresh, p->cell_multiplier, p->cell_shift));
    *cell = (int16_t)tg_clamp(kept + added, p->cell_min, p->cell_max);
    const int32_t shown = tg_lstm_tanh(*cell, p->tanh_multiplier, p->tanh_shift, table);
    const int32_t hidden = tg_requantize(shown * output, p->hidden_multiplier, p->hidden_shift);
    return tg_clamp(tg_add(hidden, p->hidden_zero_point), p->hidden_min, p->hidden_max);
}

/* The steps of a layer: `gates` gives a unit's four gates from rows of x and of the hidden state before, the unit's
 * weights w[4, depth], then w[4, units], and the place of its biases: four of the sums over x, then, where there are
 * any, four of those over the hidden state. A step's row of y is the hidden state of the next. */
#define TG_LSTM(name, type, bias_type, gates)                                                                  \
    TG_KERNEL void name(const tg_lstm_params *p, const type *x, const int8_t *w, const bias_type *bias,        \
                        const int16_t *table, type *hidden, int16_t *cell, type *y) {                          \
        for (int32_t b = 0; b < p->batches; b++) {                                                             \
            const type *before = hidden;                                                                       \
            for (int32_t step = 0; step < p->steps; step++) {                                                  \
                const int32_t row = b * p->batch_rows + step * p->step_rows;                                   \
                const int8_t *weights = w;                                                                     \
                type *out = y + row * p->units;                                                                \
                for (int32_t unit = 0; unit < p->units; unit++) {                                              \
                    int32_t gate[4];                                                                           \
                    gates(p, x + row * p->depth, before, weights, bias, unit * (p->state_bias ? 8 : 4), gate); \
                    out[unit] = (type)tg_lstm_unit(p, gate, table, cell + unit);                               \
                    weights += 4 * (p->depth + p->units);                                                      \
                }                                                                                              \
                before = out;                                                                                  \
            }                                                                                                  \
            for (int32_t unit = 0; unit < p->units; unit++) {                                                  \
                hidden[unit] = before[unit];                                                                   \
            }                                                                                                  \
            hidden += p->units;                                                                                \
            cell += p->units;                                                                                  \
        }                                                                                                      \
    }

#endif
