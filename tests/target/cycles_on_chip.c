/* cycles_on_chip.c - a whole program for a chip: what the clock counts for 1000 and 2000 rounds of two instructions, in RAM. */
#include "tg_cycles.h"

volatile uint32_t told[4]; /* done, whether they are cycles, the two counts */

uint32_t tg_port_micros(void) {
    static uint32_t now;
    return now += 7u;
}

static uint32_t spin(uint32_t rounds) {
    const uint32_t before = tg_cycles_read();
    __asm__ volatile(".syntax unified\n1:\tsubs %0, #1\n\tbne 1b" : "+l"(rounds)::"cc");
    return tg_cycles_read() - before;
}

void reset(void);
void reset(void) {
    tg_cycles_start();
    told[1] = (uint32_t)tg_cycles_are_cycles();
    told[2] = spin(1000);
    told[3] = spin(2000);
    told[0] = 0x600d;
    for (;;) {
    }
}

__attribute__((section(".vectors"), used)) static void (*const vectors[2])(void) = {
    (void (*)(void))0x20004000, /* the stack's top */
    reset,
};
