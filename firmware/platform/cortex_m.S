/* cortex_m.S - vector table, reset, fault entry, and the calls whose cost and stack the harness must know; ARMv6-M and up. */
    .syntax unified
    .thumb

    .section .vectors, "a"
    .balign 256
    .global tg_vectors
tg_vectors:
    .word __stack_top
    .word tg_reset
    .rept 14
    .word tg_fault_entry
    .endr

    .section .text.tg_startup, "ax"
    .thumb_func
    .global tg_reset
    .type tg_reset, %function
tg_reset:
    cpsid i
    ldr r0, =__stack_top
    mov sp, r0
#if defined(__ARM_FP) || defined(__ARM_FEATURE_MVE)
    ldr r0, =0xe000ed88 /* CPACR: CP10 and CP11 on, before any C, which may copy by MVE */
    ldr r1, [r0]
    orr r1, r1, #0x00f00000
    str r1, [r0]
    dsb
    isb
#endif
    bl tg_start
    .size tg_reset, . - tg_reset

/* The stack may be what is broken: the frame's address goes to tg_fault, which runs on a stack of its own. */
    .thumb_func
    .global tg_fault_entry
    .type tg_fault_entry, %function
tg_fault_entry:
    mov r0, sp
    mrs r1, ipsr
#if defined(__ARM_ARCH_8M_MAIN__) || defined(__ARM_ARCH_8_1M_MAIN__)
    movs r2, #0
    msr msplim, r2
#endif
    ldr r2, =__fault_stack_top
    mov sp, r2
    bl tg_fault
    .size tg_fault_entry, . - tg_fault_entry

    .thumb_func
    .global tg_enter
    .type tg_enter, %function
tg_enter:
    push {r4, lr}
    ldr r1, =tg_stack_pointer
    mov r2, sp
    str r2, [r1]
    blx r0
    pop {r4, pc}
    .size tg_enter, . - tg_enter

    .thumb_func
    .global tg_one_instruction
    .type tg_one_instruction, %function
tg_one_instruction:
    bx lr
    .size tg_one_instruction, . - tg_one_instruction

    .balign 4
    .thumb_func
    .global tg_spin
    .type tg_spin, %function
tg_spin:
1:  subs r0, #1
    bne 1b
    bx lr
    .size tg_spin, . - tg_spin

    .thumb_func
    .global tg_paint
    .type tg_paint, %function
tg_paint:
    ldr r0, =__stack_bottom
    ldr r1, =TG_PAINT
    mov r2, sp
1:  cmp r0, r2
    bhs 2f
    stm r0!, {r1}
    b 1b
2:  bx lr
    .size tg_paint, . - tg_paint

    .equ TG_PAINT, 0xc5a3c5a3
    .balign 4
    .pool
