/* clock.c - the clocks that advance with every instruction in a simulator: which one, and where, the request says. */
#include "tg_sim.h"

static uint32_t clock_kind;
static volatile uint32_t *clock_base;

void tg_clock_start(uint32_t kind, uint32_t address) {
    clock_kind = kind;
    clock_base = (volatile uint32_t *)(uintptr_t)address;
    if (kind == TG_CLOCK_CMSDK) { /* CTRL, VALUE, RELOAD: counts down */
        clock_base[0] = 0;
        clock_base[2] = 0xffffffffu;
        clock_base[1] = 0xffffffffu;
        clock_base[0] = 1;
    } else if (kind == TG_CLOCK_NRF) {
        clock_base[0x504 / 4] = 0; /* MODE: timer */
        clock_base[0x508 / 4] = 3; /* BITMODE: 32 bits */
        clock_base[0x510 / 4] = 0; /* PRESCALER */
        clock_base[0x00c / 4] = 1; /* TASKS_CLEAR */
        clock_base[0x000 / 4] = 1; /* TASKS_START */
    } else if (kind == TG_CLOCK_SSE) {
        clock_base[0] = 1; /* CNTCR.EN: the SSE-300's system counter */
    }
}

uint64_t __attribute__((noinline)) tg_clock(void) {
    switch (clock_kind) {
    case TG_CLOCK_CMSDK:
        return 0xffffffffu - clock_base[1];
    case TG_CLOCK_NRF:
        clock_base[0x040 / 4] = 1; /* TASKS_CAPTURE[0] */
        return clock_base[0x540 / 4];
    case TG_CLOCK_SSE:
        return clock_base[2]; /* CNTCV, low word */
    case TG_CLOCK_HOST:
        return tg_host_clock();
#if defined(__riscv)
    case TG_CLOCK_MINSTRET: {
        uint32_t high;
        uint32_t low;
        uint32_t again;
        do {
            __asm__ volatile("csrr %0, minstreth" : "=r"(high));
            __asm__ volatile("csrr %0, minstret" : "=r"(low));
            __asm__ volatile("csrr %0, minstreth" : "=r"(again));
        } while (high != again);
        return ((uint64_t)high << 32) | low;
    }
#endif
    default:
        return 0;
    }
}

uint64_t tg_clock_between(uint64_t from, uint64_t to) {
    const int wide = clock_kind == TG_CLOCK_MINSTRET || clock_kind == TG_CLOCK_HOST;
    return wide ? to - from : (uint32_t)(to - from);
}
