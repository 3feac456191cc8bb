/* lstm_s16.h - LSTM layers of int16 with int8 weights, over all steps of a sequence; the zero points are in the biases,
 * the shifts are to the right (tg_requantize64.h). */
#ifndef TG_LSTM_S16_H
#define TG_LSTM_S16_H

#include "tg_lstm.h"
#include "tg_sums_s16.h"

static inline void tg_lstm_dots_s16(int64_t sum[4], const int16_t *x, const int8_t *w, int32_t n) {
    tg_add_dots_s16(sum, x, w, w + n, n);
    tg_add_dots_s16(sum + 2, x, w + 2 * n, w + 3 * n, n);
}

static inline void tg_lstm_gates_s16(const tg_lstm_params *p, const int16_t *x, const int16_t *hidden, const int8_t *w,
                                     const void *bias, int32_t at, int32_t gate[4]) {
    int64_t from_input[4];
    int64_t from_state[4];
    for (int32_t k = 0; k < 4; k++) {
        from_input[k] = tg_bias_s16(bias, p->bias64, at + k);
        from_state[k] = p->state_bias ? tg_bias_s16(bias, p->bias64, at + 4 + k) : 0;
    }
    tg_lstm_dots_s16(from_input, x, w, p->depth);
    tg_lstm_dots_s16(from_state, hidden, w + 4 * p->depth, p->units);
    for (int32_t k = 0; k < 4; k++) {
        gate[k] = tg_lstm_gate(tg_requantize64(from_input[k], p->input_multiplier[k], p->input_shift[k]),
                               tg_requantize64(from_state[k], p->state_multiplier[k], p->state_shift[k]));
    }
}

/* x and y may not overlap. */
TG_LSTM(tg_lstm_s16, int16_t, tg_lstm_gates_s16)

#endif
