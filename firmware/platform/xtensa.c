/* xtensa.c - start-up of a simulated Xtensa, whose exceptions end the simulation; and the arithmetic that the stand-in
 * compiler's library (gcc for the LX106) lacks. */
#include "tg_sim.h"

extern uint32_t __data_load[], __data_start[], __data_end[], __bss_start[], __bss_end[];
void tg_start(void);
uint64_t __muldi3(uint64_t a, uint64_t b);
uint32_t __udivsi3(uint32_t dividend, uint32_t divisor);
uint32_t __umodsi3(uint32_t dividend, uint32_t divisor);
int32_t __divsi3(int32_t dividend, int32_t divisor);
int32_t __modsi3(int32_t dividend, int32_t divisor);

void tg_start(void) {
    const uint32_t *from = __data_load;
    uint32_t *to;
    for (to = __data_start; to != __data_end; to++) {
        *to = *from++;
    }
    for (to = __bss_start; to != __bss_end; to++) {
        *to = 0;
    }
    tg_exit(tg_harness());
}

void tg_protect(void) {}

/* The lower 64 bits, from products of 16-bit halves. */
uint64_t __muldi3(uint64_t a, uint64_t b) {
    const uint32_t a0 = (uint32_t)a & 0xffffu;
    const uint32_t a1 = (uint32_t)a >> 16;
    const uint32_t b0 = (uint32_t)b & 0xffffu;
    const uint32_t b1 = (uint32_t)b >> 16;
    const uint32_t low = a0 * b0;
    const uint32_t middle = a1 * b0 + (low >> 16); /* at most 0xfffe0001 + 0xffff */
    const uint32_t other = a0 * b1 + (middle & 0xffffu);
    uint32_t high = a1 * b1 + (middle >> 16) + (other >> 16);
    high += (uint32_t)a * (uint32_t)(b >> 32) + (uint32_t)(a >> 32) * (uint32_t)b;
    return ((uint64_t)high << 32) | (other << 16) | (low & 0xffffu);
}

/* Bit by bit; the remainder goes to `*rest`. Division by zero gives ones. */
static uint32_t divide(uint32_t dividend, uint32_t divisor, uint32_t *rest) {
    uint32_t quotient = 0;
    *rest = 0;
    for (int bit = 31; bit >= 0; bit--) {
        const uint32_t carry = *rest >> 31;
        *rest = (*rest << 1) | ((dividend >> bit) & 1u);
        if (carry != 0 || *rest >= divisor) {
            *rest -= divisor;
            quotient |= 1u << bit;
        }
    }
    return quotient;
}

uint32_t __udivsi3(uint32_t dividend, uint32_t divisor) {
    uint32_t rest;
    return divide(dividend, divisor, &rest);
}

uint32_t __umodsi3(uint32_t dividend, uint32_t divisor) {
    uint32_t rest;
    (void)divide(dividend, divisor, &rest);
    return rest;
}

static uint32_t magnitude(int32_t value) { return value < 0 ? 0u - (uint32_t)value : (uint32_t)value; }

int32_t __divsi3(int32_t dividend, int32_t divisor) {
    const uint32_t quotient = __udivsi3(magnitude(dividend), magnitude(divisor));
    return (int32_t)((dividend < 0) != (divisor < 0) ? 0u - quotient : quotient);
}

int32_t __modsi3(int32_t dividend, int32_t divisor) {
    const uint32_t rest = __umodsi3(magnitude(dividend), magnitude(divisor));
    return (int32_t)(dividend < 0 ? 0u - rest : rest);
}
