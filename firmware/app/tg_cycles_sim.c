/* tg_cycles_sim.c - the simulator's clock in place of tg_cycles.c: ticks that advance with the instructions. */
#include "tg_cycles.h"
#include "tg_sim.h"

void tg_cycles_start(void) {}
uint32_t tg_cycles_read(void) { return (uint32_t)tg_clock(); }
const char *tg_cycles_unit(void) { return "ticks"; }
int tg_cycles_are_cycles(void) { return 0; }
