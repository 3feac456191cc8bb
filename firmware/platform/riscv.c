/* riscv.c - start-up and fault report of a simulated RV32. */
#include "tg_sim.h"

extern uint32_t __data_load[], __data_start[], __data_end[], __bss_start[], __bss_end[], __stack_bottom[], __stack_top[];
void tg_start(void);
void tg_fault(uint32_t stack, uint32_t return_address);

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

void tg_fault(uint32_t stack, uint32_t return_address) {
    uint32_t cause;
    uint32_t pc;
    uint32_t address;
    const int inside = stack >= (uint32_t)(uintptr_t)__stack_bottom && stack <= (uint32_t)(uintptr_t)__stack_top;
    __asm__ volatile("csrr %0, mcause" : "=r"(cause));
    __asm__ volatile("csrr %0, mepc" : "=r"(pc));
    __asm__ volatile("csrr %0, mtval" : "=r"(address));
    tg_report_fault(cause, pc, return_address, address, inside ? 0u : 1u << 20);
    tg_exit(3);
}
