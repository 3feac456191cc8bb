/* cortex_m.c - start-up and fault report of a simulated Cortex-M; unaligned access and division by 0 trap. */
#include "tg_sim.h"

#define SCB(offset) (*(volatile uint32_t *)(uintptr_t)(0xe000e000u + (offset)))

extern uint32_t __data_load[], __data_start[], __data_end[], __bss_start[], __bss_end[], __stack_bottom[],
    __stack_top[];
extern uint32_t __flash_end[], __ram_start[];
void tg_start(void);
void tg_fault(const uint32_t *frame, uint32_t exception);

void tg_start(void) {
    const uint32_t *from = __data_load;
    uint32_t *to;
    for (to = __data_start; to != __data_end; to++) {
        *to = *from++;
    }
    for (to = __bss_start; to != __bss_end; to++) {
        *to = 0;
    }
#if !defined(__ARM_ARCH_6M__)
    SCB(0xd14) |= (1u << 3) | (1u << 4); /* CCR: UNALIGN_TRP, DIV_0_TRP */
#endif
#if defined(__ARM_ARCH_8M_MAIN__) || defined(__ARM_ARCH_8_1M_MAIN__)
    __asm__ volatile("msr msplim, %0" ::"r"(__stack_bottom));
#endif
    tg_exit(tg_harness());
}

/* ARMv8-M has a limit of the stack, ARMv6-M mostly no MPU: on ARMv7-M, the MPU closes what lies below the RAM. */
void tg_protect(void) {
#if defined(__ARM_ARCH_7M__) || defined(__ARM_ARCH_7EM__)
    const uint32_t start = (uint32_t)(uintptr_t)__ram_start;
    const uint32_t guard = 1u << 24; /* the 16 MiB below the RAM: where a stack overflow goes */
    if ((start & (guard - 1u)) != 0 || start - guard < (uint32_t)(uintptr_t)__flash_end) {
        return;
    }
    SCB(0xd98) = 0;                            /* MPU_RNR */
    SCB(0xd9c) = start - guard;                /* MPU_RBAR */
    SCB(0xda0) = (1u << 28) | (23u << 1) | 1u; /* MPU_RASR: no access, never executed, 2^24 bytes, on */
    SCB(0xd94) = (1u << 2) | (1u << 1) | 1u;   /* MPU_CTRL: the default map elsewhere, also in HardFault, on */
    __asm__ volatile("dsb\n\tisb" ::: "memory");
#endif
}

void tg_fault(const uint32_t *frame, uint32_t exception) {
    const uint32_t at = (uint32_t)(uintptr_t)frame;
    const int readable = at >= (uint32_t)(uintptr_t)__stack_bottom && at + 32u <= (uint32_t)(uintptr_t)__stack_top;
    uint32_t address = 0;
    uint32_t status = 0;
#if !defined(__ARM_ARCH_6M__)
    status = SCB(0xd28); /* CFSR */
    address = (status & (1u << 15)) != 0 ? SCB(0xd38) : (status & (1u << 7)) != 0 ? SCB(0xd34) : 0;
#endif
    if (!readable) { /* the stack pointer has left the stack */
        address = at;
        status |= 1u << 20;
    }
    tg_report_fault(exception & 0x1ffu, readable ? frame[6] : 0, readable ? frame[5] : 0, address, status);
    tg_exit(3);
}
