/* lstm_s16.h - LSTM layers of int16 with int8 weights, over all steps of a sequence; the zero points are in the biases,
 * the shifts are to the right (tg_requantize64.h). */
#ifndef TG_LSTM_S16_H
#define TG_LSTM_S16_H

#include "tg_lstm.h"
#include "tg_sums_s16.h"

/* The products of n values with four rows of weights: each activation is loaded once for all gates. */
TG_BODY void tg_lstm_dots_s16(tg_sum_s16 sum[4], tg_sum_kind kind, const int16_t *x, const int8_t *w, int32_t n) {
    tg_sum_s16 a = {0, 0};
    tg_sum_s16 b = {0, 0};
    tg_sum_s16 c = {0, 0};
    tg_sum_s16 d = {0, 0};
    for (int32_t i = 0; i < n; i++) {
        const int32_t value = x[i];
        tg_sum_add(&a, kind, value, w[i]);
        tg_sum_add(&b, kind, value, w[n + i]);
        tg_sum_add(&c, kind, value, w[2 * n + i]);
        tg_sum_add(&d, kind, value, w[3 * n + i]);
    }
    sum[0] = a;
    sum[1] = b;
    sum[2] = c;
    sum[3] = d;
}

/* A sum with the bias at c. */
TG_BODY int64_t tg_lstm_total(const tg_sum_s16 *sum, tg_sum_kind kind, const void *bias, int32_t c) {
    return kind == TG_SUM_DEEP ? sum->deep + ((const int64_t *)bias)[c]
                               : (int64_t)sum->acc + ((const int32_t *)bias)[c];
}

TG_BODY void tg_lstm_gates_of_kind(const tg_lstm_params *p, tg_sum_kind kind, const int16_t *x, const int16_t *hidden,
                                   const int8_t *w, const void *bias, int32_t at, int32_t gate[4]) {
    tg_sum_s16 from_input[4];
    tg_sum_s16 from_state[4];
    tg_lstm_dots_s16(from_input, kind, x, w, p->depth);
    tg_lstm_dots_s16(from_state, kind, hidden, w + 4 * p->depth, p->units);
    for (int32_t k = 0; k < 4; k++) {
        const int64_t input = tg_lstm_total(from_input + k, kind, bias, at + k);
        int64_t state = kind == TG_SUM_DEEP ? from_state[k].deep : from_state[k].acc;
        if (p->state_bias) {
            state = tg_lstm_total(from_state + k, kind, bias, at + 4 + k);
        }
        gate[k] = tg_lstm_gate(tg_requantize64(input, p->input_multiplier[k], p->input_shift[k]),
                               tg_requantize64(state, p->state_multiplier[k], p->state_shift[k]));
    }
}

static inline void tg_lstm_gates_s16(const tg_lstm_params *p, const int16_t *x, const int16_t *hidden, const int8_t *w,
                                     const int32_t *bias, int32_t at, int32_t gate[4]) {
    tg_lstm_gates_of_kind(p, TG_SUM_WIDE, x, hidden, w, bias, at, gate);
}

static inline void tg_lstm_gates_s16_deep(const tg_lstm_params *p, const int16_t *x, const int16_t *hidden,
                                          const int8_t *w, const int64_t *bias, int32_t at, int32_t gate[4]) {
    tg_lstm_gates_of_kind(p, TG_SUM_DEEP, x, hidden, w, bias, at, gate);
}

/* x and y may not overlap. */
TG_LSTM(tg_lstm_s16, int16_t, int32_t, tg_lstm_gates_s16)
TG_LSTM(tg_lstm_s16_deep, int16_t, int64_t, tg_lstm_gates_s16_deep)

#endif
