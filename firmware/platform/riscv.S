/* riscv.S - reset, trap entry, and the calls whose cost and stack the harness must know; RV32. */
    .equ TG_PAINT, 0xc5a3c5a3

    .section .vectors, "ax"
    .global tg_reset
    .type tg_reset, @function
tg_reset:
    csrw mie, zero
    la t0, tg_trap_entry
    csrw mtvec, t0
    la sp, __stack_top
    call tg_start
    .size tg_reset, . - tg_reset

    .section .text.tg_startup, "ax"
/* The stack may be what is broken: tg_fault gets its address and runs on a stack of its own. */
    .balign 4
    .global tg_trap_entry
    .type tg_trap_entry, @function
tg_trap_entry:
    mv a0, sp
    mv a1, ra
    la sp, __fault_stack_top
    call tg_fault
    .size tg_trap_entry, . - tg_trap_entry

    .balign 4
    .global tg_enter
    .type tg_enter, @function
tg_enter:
    addi sp, sp, -16
    sw ra, 12(sp)
    la t0, tg_stack_pointer
    sw sp, 0(t0)
    jalr a0
    lw ra, 12(sp)
    addi sp, sp, 16
    ret
    .size tg_enter, . - tg_enter

    .balign 4
    .global tg_one_instruction
    .type tg_one_instruction, @function
tg_one_instruction:
    ret
    .size tg_one_instruction, . - tg_one_instruction

    .balign 4
    .global tg_spin
    .type tg_spin, @function
tg_spin:
1:  addi a0, a0, -1
    bnez a0, 1b
    ret
    .size tg_spin, . - tg_spin

    .balign 4
    .global tg_paint
    .type tg_paint, @function
tg_paint:
    la t0, __stack_bottom
    li t1, TG_PAINT
1:  bgeu t0, sp, 2f
    sw t1, 0(t0)
    addi t0, t0, 4
    j 1b
2:  ret
    .size tg_paint, . - tg_paint
