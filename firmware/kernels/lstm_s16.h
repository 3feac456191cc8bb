/* lstm_s16.h - LSTM layers of int16 with int8 weights, over all steps of a sequence; the zero points are in the biases,
 * the shifts are to the right (tg_requantize64.h). */
#ifndef TG_LSTM_S16_H
#define TG_LSTM_S16_H

#include "tg_lstm.h"
#include "tg_sums_s16.h"

/* Each activation is loaded once for all gates. */
TG_BODY void tg_lstm_add_of_kind(const tg_lstm_params *p, tg_sum_kind kind, int32_t first, int32_t gate[4],
                                 const int16_t *x, const int8_t *w, int32_t n, const void *bias) {
    int64_t sum[4];
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
    sum[0] = kind == TG_SUM_DEEP ? a.deep : a.acc;
    sum[1] = kind == TG_SUM_DEEP ? b.deep : b.acc;
    sum[2] = kind == TG_SUM_DEEP ? c.deep : c.acc;
    sum[3] = kind == TG_SUM_DEEP ? d.deep : d.acc;
    for (int32_t k = 0; k < 4; k++) {
        if (bias) {
            sum[k] += kind == TG_SUM_DEEP ? ((const int64_t *)bias)[k] : ((const int32_t *)bias)[k];
        }
        const int32_t part = tg_requantize64(sum[k], p->multiplier[first + k], p->shift[first + k]);
        gate[k] = tg_lstm_clamp(gate[k] + tg_lstm_clamp(part));
    }
}

static inline void tg_lstm_add_s16(const tg_lstm_params *p, int32_t first, int32_t gate[4], const int16_t *x,
                                   const int8_t *w, int32_t n, const int32_t *bias) {
    tg_lstm_add_of_kind(p, TG_SUM_WIDE, first, gate, x, w, n, bias);
}

static inline void tg_lstm_add_s16_deep(const tg_lstm_params *p, int32_t first, int32_t gate[4], const int16_t *x,
                                        const int8_t *w, int32_t n, const int64_t *bias) {
    tg_lstm_add_of_kind(p, TG_SUM_DEEP, first, gate, x, w, n, bias);
}

/* x and y may not overlap. */
TG_LSTM(tg_lstm_s16, int16_t, int32_t, tg_lstm_add_s16)
TG_LSTM(tg_lstm_s16_deep, int16_t, int64_t, tg_lstm_add_s16_deep)

#endif
