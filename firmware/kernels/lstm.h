/* lstm.h - LSTM layers of int8, over all steps of a sequence; the zero points are in the biases. */
#ifndef TG_LSTM_S8_H
#define TG_LSTM_S8_H

#include "tg_lstm.h"

/* Each activation is loaded once for all gates. */
static inline void tg_lstm_add_s8(const tg_lstm_params *p, int32_t first, int32_t gate[4], const int8_t *x,
                                  const int8_t *w, int32_t n, const int32_t *bias) {
    int32_t sum[4];
    int32_t a = bias ? bias[0] : 0;
    int32_t b = bias ? bias[1] : 0;
    int32_t c = bias ? bias[2] : 0;
    int32_t d = bias ? bias[3] : 0;
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
    for (int32_t k = 0; k < 4; k++) {
        const int32_t part = tg_requantize(sum[k], p->multiplier[first + k], p->shift[first + k]);
        gate[k] = tg_lstm_clamp(gate[k] + tg_lstm_clamp(part));
    }
}

/* x and y may not overlap. */
TG_LSTM(tg_lstm_s8, int8_t, int32_t, tg_lstm_add_s8)

#endif
