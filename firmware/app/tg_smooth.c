/* tg_smooth.c - see tg_smooth.h. */
#include "tg_smooth.h"

int tg_smooth_init(tg_smooth *smooth, uint32_t n, uint32_t m, uint32_t refractory) {
    const int sound = n >= 1 && n <= m && m <= TG_SMOOTH_MOST;
    smooth->n = (uint8_t)(sound ? n : 0u);
    smooth->m = (uint8_t)(sound ? m : 0u);
    smooth->refractory = refractory;
    tg_smooth_clear(smooth);
    return sound;
}

void tg_smooth_clear(tg_smooth *smooth) {
    for (uint32_t i = 0; i < TG_SMOOTH_MOST; i++) {
        smooth->labels[i] = TG_NO_LABEL;
    }
    smooth->at = 0;
    smooth->silent = 0;
}

int tg_smooth_push(tg_smooth *smooth, int32_t label) {
    uint32_t same = 0;
    if (smooth->m == 0) {
        return 0;
    }
    smooth->labels[smooth->at] = (int16_t)label;
    smooth->at = (uint8_t)((smooth->at + 1u) % smooth->m);
    for (uint32_t i = 0; i < smooth->m; i++) {
        same += smooth->labels[i] == label;
    }
    if (smooth->silent > 0) {
        smooth->silent--;
        return 0;
    }
    if (label == TG_NO_LABEL || same < smooth->n) {
        return 0;
    }
    smooth->silent = smooth->refractory;
    return 1;
}
