/* tg_score.h - the largest value of an output, and whether it reaches a threshold, all in the output's own whole numbers.
 *
 * real = scale * (q - zero_point), so "real >= threshold" is "q >= least" with least = zero_point + ceil(threshold / scale),
 * which tinygen forms exactly (threshold as the decimal number that was written, scale as the float32 that it is). Nothing
 * is rounded on the device, and a score that equals the threshold reaches it. */
#ifndef TG_SCORE_H
#define TG_SCORE_H

#include "tg.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    int32_t index; /* of the largest value, the first one where several are; -1 for types that are no scores */
    int32_t q;     /* the value */
} tg_score;

/* int8, uint8 and int16 outputs. */
tg_score tg_score_best(const tg_tensor_info *output);

/* scale * (q - zero_point) in float. */
float tg_score_real(const tg_tensor_info *output, int32_t q);

#ifdef __cplusplus
}
#endif

#endif
