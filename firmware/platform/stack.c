/* stack.c - how much of the painted stack the last call changed. */
#include "tg_sim.h"

#define TG_PAINT 0xc5a3c5a3u

extern uint32_t __stack_bottom[];
extern uint32_t tg_stack_pointer;
uint32_t tg_stack_pointer; /* at the call that tg_enter made */

uint32_t tg_stack_used(void) {
    const uint32_t *word = __stack_bottom;
    if (*word != TG_PAINT) {
        return TG_STACK_OVERFLOW;
    }
    while ((uintptr_t)word < tg_stack_pointer && *word == TG_PAINT) {
        word++;
    }
    return tg_stack_pointer - (uint32_t)(uintptr_t)word;
}
