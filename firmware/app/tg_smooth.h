/* tg_smooth.h - from labels, one an inference, to events: N of M inferences in a row agree, then a refractory time.
 *
 * A label fires where this inference gave it, at least n of the last m (this one included, fewer at the start) gave it,
 * and no event fired in the `refractory` inferences before. What comes in the refractory time still counts for what fires
 * after it, so a label that stays fires again and again, every refractory + 1 inferences. TG_NO_LABEL (no score reached
 * the threshold) takes its place in the row and never fires. */
#ifndef TG_SMOOTH_H
#define TG_SMOOTH_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TG_NO_LABEL (-1)
#define TG_SMOOTH_MOST 32 /* the largest m */

typedef struct {
    int16_t labels[TG_SMOOTH_MOST]; /* of the last m inferences, round */
    uint32_t refractory;
    uint32_t silent; /* inferences left in which nothing fires */
    uint8_t n;
    uint8_t m;
    uint8_t at;
} tg_smooth;

/* 1 <= n <= m <= TG_SMOOTH_MOST, else 0 and nothing ever fires. n = m = 1 lets every label through. */
int tg_smooth_init(tg_smooth *smooth, uint32_t n, uint32_t m, uint32_t refractory);

/* Forgets all inferences and the refractory time. */
void tg_smooth_clear(tg_smooth *smooth);

/* Takes one inference's label, below 32,768; returns 1 when it fires. */
int tg_smooth_push(tg_smooth *smooth, int32_t label);

#ifdef __cplusplus
}
#endif

#endif
