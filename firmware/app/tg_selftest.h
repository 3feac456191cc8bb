/* tg_selftest.h - the model against outputs that are known: at start, and again whenever it is asked for.
 *
 * With vectors in flash every output byte is compared: `self-test: PASS (N vectors)`, or the first difference,
 * `self-test: FAIL vector I, output O, byte B: got X, expected Y`, and the time of each layer where the build has it.
 * Without, the outputs of one input, the ramp, are told by their CRC-32, which `tinygen simulate` tells too. The ramp is
 * v[i] = ((37 i + 11) mod 256) - 128 over all values of all inputs: int8 and uint8 take the byte, bool its lowest bit, int16
 * 256 v, int32 and int64 v, float32 v / 128. */
#ifndef TG_SELFTEST_H
#define TG_SELFTEST_H

#include "tg_app.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Resets the model before and after. Returns 0 where it failed. */
int tg_selftest(const tg_app_model *model);

#ifdef __cplusplus
}
#endif

#endif
