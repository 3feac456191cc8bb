/* tg_cycles.h - how long something took: by the core's cycle counter where it has one that counts, else in microseconds.
 *
 *     tg_cycles_start();
 *     uint32_t before = tg_cycles_read();
 *     ...
 *     uint32_t took = tg_cycles_read() - before;
 *
 * The difference holds modulo 2^32: at 240 MHz for 17 s. Interrupts that come in between are counted too.
 *   Armv7-M, Armv8-M Mainline  DWT_CYCCNT (Armv7-M ARM, C1.8; Armv8-M ARM, D1.2); another program's setting stays
 *   ESP32 family               CCOUNT, or what esp_cpu_get_cycle_count reads
 *   RISC-V                     mcycle, started by clearing mcountinhibit.CY: machine mode of privileged 1.11 or newer
 *   others                     tg_port_micros
 */
#ifndef TG_CYCLES_H
#define TG_CYCLES_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

void tg_cycles_start(void);       /* turns the counter on, finds out whether it counts; again is harmless */
uint32_t tg_cycles_read(void);    /* now, in the unit below; before the start in microseconds */
const char *tg_cycles_unit(void); /* "cycles" or "us" */
int tg_cycles_are_cycles(void);   /* whether the unit is cycles */
uint32_t tg_port_micros(void);    /* the program gives it */

#ifdef __cplusplus
}
#endif

#endif
