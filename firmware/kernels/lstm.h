/* lstm.h - LSTM layers of int8, over all steps of a sequence; the zero points are in the biases. */
#ifndef TG_LSTM_S8_H
#define TG_LSTM_S8_H

#include "tg_lstm.h"

/* Adds the products of n values with four rows of weights: each activation is loaded once for all gates. */
static inline void tg_lstm_dots_s8(int32_t sum[4], const int8_t *x, const int8_t *w, int32_t n) {
    int32_t a = sum[0];
    int32_t b = sum[1];
    int32_t c = sum[2];
    int32_t d = sum[3];
    for (int32_t i = 0; i < n; i++) {
        const int32_t value = x[i];
        a = tg_mac(a, value, w[i]);
        b = tg_mac(b, value, w[n + i]);
        c = tg_mac(c, value, w[2 * n + i]);
        d = tg_mac(d, value, w[3 * n + i]);
    }
    sum[0] = a;
    sum[1] = b;
    sum[2] = c;
    sum[3] = d;
}

static inline void tg_lstm_gates_s8(const tg_lstm_params *p, const int8_t *x, const int8_t *hidden, const int8_t *w,
                                    const int32_t *bias, int32_t at, int32_t gate[4]) {
    int32_t from_input[4];
    int32_t from_state[4];
    for (int32_t k = 0; k < 4; k++) {
        from_input[k] = bias[at + k];
        from_state[k] = p->state_bias ? bias[at + 4 + k] : 0;
    }
    tg_lstm_dots_s8(from_input, x, w, p->depth);
    tg_lstm_dots_s8(from_state, hidden, w + 4 * p->depth, p->units);
    for (int32_t k = 0; k < 4; k++) {
        gate[k] = tg_lstm_gate(tg_requantize(from_input[k], p->input_multiplier[k], p->input_shift[k]),
                               tg_requantize(from_state[k], p->state_multiplier[k], p->state_shift[k]));
    }
}

/* x and y may not overlap. */
TG_LSTM(tg_lstm_s8, int8_t, int32_t, tg_lstm_gates_s8)

#endif
