/* toy.h - a hand-written stand-in for a rendered model: two dense layers and a running sum that is kept between calls. */
#ifndef TOY_H
#define TOY_H
#include "tg.h"
const tg_model_info *toy_info(void);
int8_t *toy_input(void);
const int8_t *toy_output(void);
tg_status toy_invoke(void);
void toy_reset(void);
void toy_quantize(const float *x, int8_t *q);
float toy_dequantize(int8_t q);
#endif
