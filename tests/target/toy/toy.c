/* toy.c - input 16 int8 -> dense 16 -> dense 4 -> plus the sum of earlier outputs, all modulo 256. */
#include "toy.h"

enum { IN = 16, MID = 16, OUT = 4 };

static const struct {
    int8_t a[MID][IN];
    int32_t a_bias[MID];
    int8_t b[OUT][MID];
    float scale;
} toy_weights = {
    {{1, -2, 3, -4, 5, -6, 7, -8, 9, -10, 11, -12, 13, -14, 15, -16}, {2, 2, 2}, {-3, 5}, {0, 7}, {0, 0, 9}, {11, -11},
     {13}, {17}, {19}, {0, 0, 0, 0, 23}, {29}, {-31}, {37}, {41}, {0, 43}, {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 47}},
    {100, -200, 300, -400, 500, -600, 700, -800, 900, -1000, 1100, -1200, 1300, -1400, 1500, -1600},
    {{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}, {-1, 3, -5, 7}, {0, 0, 1}, {5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}},
    0.5f,
};
static int8_t TG_ALIGN(16) toy_arena[IN + MID];
static int8_t toy_state_sum[OUT] = {1, 2, 3, 4};
static const int32_t in_shape[2] = {1, IN};
static const int32_t out_shape[2] = {1, OUT};
static const tg_tensor_info in_info[1] = {{"x", toy_arena, IN, TG_INT8, 2, in_shape, 0.5f, 0}};
static const tg_tensor_info out_info[1] = {{"y", toy_arena, OUT, TG_INT8, 2, out_shape, 0.5f, 0}};
static const tg_model_info info = {"toy", "1", "0", "0", in_info, out_info, NULL, sizeof toy_arena, 0, 3, 1, 1};

const tg_model_info *toy_info(void) { return &info; }
int8_t *toy_input(void) { return toy_arena; }
const int8_t *toy_output(void) { return toy_arena; }

static int8_t wrap(int32_t x) {
    return (int8_t)(uint8_t)x;
}

static void __attribute__((noinline)) toy_dense(const int8_t *x, int8_t *y, const int8_t *w, const int32_t *bias, int n_in, int n_out) {
    int i;
    int j;
    for (j = 0; j < n_out; j++) {
        int32_t sum = bias != NULL ? bias[j] : 0;
        for (i = 0; i < n_in; i++) {
            sum += x[i] * w[j * n_in + i];
        }
        y[j] = wrap(sum / 3 + (int32_t)((int64_t)sum * 0x12345678 >> 32));
    }
}

tg_status toy_invoke(void) {
    int i;
    toy_dense(toy_arena, toy_arena + IN, &toy_weights.a[0][0], toy_weights.a_bias, IN, MID);
    TG_ON_LAYER(0, toy_arena + IN, MID);
    TOY_TROUBLE;
    toy_dense(toy_arena + IN, toy_arena, &toy_weights.b[0][0], NULL, MID, OUT);
    TG_ON_LAYER(1, toy_arena, OUT);
    for (i = 0; i < OUT; i++) {
        toy_state_sum[i] = wrap(toy_state_sum[i] + toy_arena[i]);
    }
    memcpy(toy_arena, toy_state_sum, OUT);
    TG_ON_LAYER(2, toy_arena, OUT);
    return TG_OK;
}

void toy_reset(void) {
    static const int8_t first[OUT] = {1, 2, 3, 4};
    memcpy(toy_state_sum, first, OUT);
}

void toy_quantize(const float *x, int8_t *q) {
    int i;
    for (i = 0; i < IN; i++) {
        const float v = x[i] / toy_weights.scale;
        q[i] = (int8_t)(v < -128.0f ? -128.0f : v > 127.0f ? 127.0f : v);
    }
}

float toy_dequantize(int8_t q) { return toy_weights.scale * (float)q; }
