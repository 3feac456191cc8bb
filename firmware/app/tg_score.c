/* tg_score.c - see tg_score.h. */
#include "tg_score.h"

static int32_t value(const tg_tensor_info *tensor, uint32_t i) {
    const uint8_t *bytes = (const uint8_t *)tensor->data;
    int16_t half;
    switch (tensor->type) {
    case TG_INT8:
        return (int8_t)bytes[i];
    case TG_UINT8:
        return bytes[i];
    default:
        memcpy(&half, bytes + 2u * i, sizeof half);
        return half;
    }
}

tg_score tg_score_best(const tg_tensor_info *output) {
    tg_score best = {-1, 0};
    const int wide = output->type == TG_INT16;
    if (!wide && output->type != TG_INT8 && output->type != TG_UINT8) {
        return best;
    }
    for (uint32_t i = 0; i < output->bytes / (wide ? 2u : 1u); i++) {
        const int32_t q = value(output, i);
        if (best.index < 0 || q > best.q) {
            best.index = (int32_t)i;
            best.q = q;
        }
    }
    return best;
}

float tg_score_real(const tg_tensor_info *output, int32_t q) { return output->scale * (float)(q - output->zero_point); }
