/* xtensa.S - reset, and the calls whose stack the harness must know; Xtensa with the call0 ABI. */
    .section .vectors, "ax"
    .align 4
    .literal_position
    .global tg_reset
    .type tg_reset, @function
tg_reset:
    movi a1, __stack_top
    movi a0, 0
    call0 tg_start
    .size tg_reset, . - tg_reset

    .section .text.tg_startup, "ax"
    .literal_position
    .align 4
    .global tg_enter
    .type tg_enter, @function
tg_enter:
    addi a1, a1, -16
    s32i a0, a1, 0
    movi a3, tg_stack_pointer
    s32i a1, a3, 0
    callx0 a2
    l32i a0, a1, 0
    addi a1, a1, 16
    ret
    .size tg_enter, . - tg_enter

    .align 4
    .global tg_one_instruction
    .type tg_one_instruction, @function
tg_one_instruction:
    ret
    .size tg_one_instruction, . - tg_one_instruction

    .align 4
    .global tg_spin
    .type tg_spin, @function
tg_spin:
1:  addi a2, a2, -1
    bnez a2, 1b
    ret
    .size tg_spin, . - tg_spin

    .align 4
    .global tg_paint
    .type tg_paint, @function
tg_paint:
    movi a2, __stack_bottom
    movi a3, 0xc5a3c5a3
1:  bgeu a2, a1, 2f
    s32i a3, a2, 0
    addi a2, a2, 4
    j 1b
2:  ret
    .size tg_paint, . - tg_paint
