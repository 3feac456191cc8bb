/* cycles.c - the cycle counter's registers as a core has them: what argv[1] lacks is not there; told is what was found. */
#include <stdio.h>
#include <stdlib.h>

#include "tg_cycles.h"

volatile uint32_t *tg_fake_register(uint32_t address);

enum { TRCENA = 1 << 24, NOCYCCNT = 1 << 25 };
static uint32_t demcr = 0x10000, control = 0x40000400, count, lock, nothing;
static char kind;
static uint32_t now = 1000;

/* Every access sees what the ones before wrote. */
volatile uint32_t *tg_fake_register(uint32_t address) {
    const int powered = (demcr & TRCENA) != 0 && kind != 'z';
    if (kind == 'n') {
        control |= NOCYCCNT;
    }
    if (kind == 'l' && lock != 0xc5acce55u) {
        control &= ~1u;
    }
    if (powered && (control & 1u) != 0 && kind != 's') {
        count += 0x40000000u;
    }
    nothing = 0;
    switch (address) {
    case 0xe000edfcu:
        return &demcr;
    case 0xe0001000u:
        return powered ? &control : &nothing;
    case 0xe0001004u:
        return powered ? &count : &nothing;
    case 0xe0001fb0u:
        return powered ? &lock : &nothing;
    default:
        abort();
    }
}

uint32_t tg_port_micros(void) { return now += 10u; }

int main(int argc, char **argv) {
    kind = argc > 1 ? argv[1][0] : 'c';
    const uint32_t early = tg_cycles_read();
    tg_cycles_start();
    tg_cycles_start();
    const uint32_t before = tg_cycles_read();
    uint32_t took = 0;
    for (int i = 0; i < 7; i++) { /* round 2^32 and on */
        took = tg_cycles_read() - before;
    }
    printf("%u %s %d %x %x %x\n", early, tg_cycles_unit(), tg_cycles_are_cycles(), took, demcr,
           control & ~(uint32_t)NOCYCCNT);
    return 0;
}
