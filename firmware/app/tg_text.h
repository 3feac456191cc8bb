/* tg_text.h - text for tg_port_write, a piece at a time: no buffer, no printf. */
#ifndef TG_TEXT_H
#define TG_TEXT_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

void tg_put(const char *text);
void tg_put_unsigned(uint32_t value);
void tg_put_signed(int32_t value);
void tg_put_hex(uint32_t value, uint32_t digit_count);
void tg_put_thousandths(
    float value); /* three places, the last one cut off: 0.8125 is 0.812; meant for |value| < 2^21 */

#ifdef __cplusplus
}
#endif

#endif
