/* riscv.c - start-up and fault report of a simulated RV32; nothing but the board's flash and RAM can be accessed. */
#include "tg_sim.h"

extern uint32_t __data_load[], __data_start[], __data_end[], __bss_start[], __bss_end[], __stack_bottom[],
    __stack_top[];
extern uint32_t __flash_start[], __flash_end[], __ram_start[], __ram_end[];
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

/* PMP entries 0 to 4, each from the end of the one before: none, first memory, none, second memory, none; all locked. */
void tg_protect(void) {
    const uint32_t flash[3] = {(uint32_t)(uintptr_t)__flash_start, (uint32_t)(uintptr_t)__flash_end,
                               0x8du};                                                                 /* L TOR X R */
    const uint32_t ram[3] = {(uint32_t)(uintptr_t)__ram_start, (uint32_t)(uintptr_t)__ram_end, 0x8bu}; /* L TOR W R */
    const uint32_t *low = flash[0] < ram[0] ? flash : ram;
    const uint32_t *high = flash[0] < ram[0] ? ram : flash;
    __asm__ volatile("csrw pmpaddr0, %0" ::"r"(low[0] >> 2));
    __asm__ volatile("csrw pmpaddr1, %0" ::"r"(low[1] >> 2));
    __asm__ volatile("csrw pmpaddr2, %0" ::"r"(high[0] >> 2));
    __asm__ volatile("csrw pmpaddr3, %0" ::"r"(high[1] >> 2));
    __asm__ volatile("csrw pmpaddr4, %0" ::"r"(0x3fffffffu));
    __asm__ volatile("csrw pmpcfg1, %0" ::"r"(0x88u));
    __asm__ volatile("csrw pmpcfg0, %0" ::"r"(0x88u | low[2] << 8 | 0x880000u | high[2] << 24));
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
