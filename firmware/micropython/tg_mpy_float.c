/* tg_mpy_float.c - the float functions that compilers call where a core has no FPU, by the names of the core's ABI: floats
 * come and go in integer registers. */
#include "tg_mpy_float.h"

#if defined(__arm__)

uint32_t __aeabi_fadd(uint32_t a, uint32_t b);
uint32_t __aeabi_fsub(uint32_t a, uint32_t b);
uint32_t __aeabi_fmul(uint32_t a, uint32_t b);
uint32_t __aeabi_fdiv(uint32_t a, uint32_t b);
int __aeabi_fcmpeq(uint32_t a, uint32_t b);
int __aeabi_fcmplt(uint32_t a, uint32_t b);
int __aeabi_fcmple(uint32_t a, uint32_t b);
int __aeabi_fcmpge(uint32_t a, uint32_t b);
int __aeabi_fcmpgt(uint32_t a, uint32_t b);
int __aeabi_fcmpun(uint32_t a, uint32_t b);
uint32_t __aeabi_i2f(int32_t n);
uint32_t __aeabi_ui2f(uint32_t n);
int32_t __aeabi_f2iz(uint32_t a);
uint32_t __aeabi_f2uiz(uint32_t a);

uint32_t __aeabi_fadd(uint32_t a, uint32_t b) { return tg_f32_add(a, b); }
uint32_t __aeabi_fsub(uint32_t a, uint32_t b) { return __aeabi_fadd(a, b ^ TG_F32_SIGN); }
uint32_t __aeabi_fmul(uint32_t a, uint32_t b) { return tg_f32_mul(a, b); }
uint32_t __aeabi_fdiv(uint32_t a, uint32_t b) { return tg_f32_div(a, b); }
int __aeabi_fcmpeq(uint32_t a, uint32_t b) { return tg_f32_compare(a, b, 1) == 0; }
int __aeabi_fcmplt(uint32_t a, uint32_t b) { return tg_f32_compare(a, b, 1) < 0; }
int __aeabi_fcmple(uint32_t a, uint32_t b) { return tg_f32_compare(a, b, 1) <= 0; }
int __aeabi_fcmpge(uint32_t a, uint32_t b) { return tg_f32_compare(a, b, -1) >= 0; }
int __aeabi_fcmpgt(uint32_t a, uint32_t b) { return tg_f32_compare(a, b, -1) > 0; }
int __aeabi_fcmpun(uint32_t a, uint32_t b) { return tg_f32_is_nan(a) || tg_f32_is_nan(b); }
uint32_t __aeabi_i2f(int32_t n) {
    return tg_f32_from(n < 0 ? 0u - (uint32_t)n : (uint32_t)n, n < 0 ? TG_F32_SIGN : 0u);
}
uint32_t __aeabi_ui2f(uint32_t n) { return tg_f32_from(n, 0u); }
int32_t __aeabi_f2iz(uint32_t a) { return tg_f32_to_i32(a); }
uint32_t __aeabi_f2uiz(uint32_t a) { return tg_f32_to_u32(a); }

#elif defined(__riscv) && __riscv_xlen == 32

uint32_t __addsf3(uint32_t a, uint32_t b);
uint32_t __subsf3(uint32_t a, uint32_t b);
uint32_t __mulsf3(uint32_t a, uint32_t b);
uint32_t __divsf3(uint32_t a, uint32_t b);
int32_t __ltsf2(uint32_t a, uint32_t b);
int32_t __lesf2(uint32_t a, uint32_t b);
int32_t __eqsf2(uint32_t a, uint32_t b);
int32_t __nesf2(uint32_t a, uint32_t b);
int32_t __gtsf2(uint32_t a, uint32_t b);
int32_t __gesf2(uint32_t a, uint32_t b);
int __unordsf2(uint32_t a, uint32_t b);
uint32_t __floatsisf(int32_t n);
uint32_t __floatunsisf(uint32_t n);
int32_t __fixsfsi(uint32_t a);
uint32_t __fixunssfsi(uint32_t a);

uint32_t __addsf3(uint32_t a, uint32_t b) { return tg_f32_add(a, b); }
uint32_t __subsf3(uint32_t a, uint32_t b) { return __addsf3(a, b ^ TG_F32_SIGN); }
uint32_t __mulsf3(uint32_t a, uint32_t b) { return tg_f32_mul(a, b); }
uint32_t __divsf3(uint32_t a, uint32_t b) { return tg_f32_div(a, b); }
int32_t __lesf2(uint32_t a, uint32_t b) { return tg_f32_compare(a, b, 1); }
int32_t __ltsf2(uint32_t a, uint32_t b) { return __lesf2(a, b); }
int32_t __eqsf2(uint32_t a, uint32_t b) { return __lesf2(a, b); }
int32_t __nesf2(uint32_t a, uint32_t b) { return __lesf2(a, b); }
int32_t __gesf2(uint32_t a, uint32_t b) { return tg_f32_compare(a, b, -1); }
int32_t __gtsf2(uint32_t a, uint32_t b) { return __gesf2(a, b); }
int __unordsf2(uint32_t a, uint32_t b) { return tg_f32_is_nan(a) || tg_f32_is_nan(b); }
uint32_t __floatsisf(int32_t n) {
    return tg_f32_from(n < 0 ? 0u - (uint32_t)n : (uint32_t)n, n < 0 ? TG_F32_SIGN : 0u);
}
uint32_t __floatunsisf(uint32_t n) { return tg_f32_from(n, 0u); }
int32_t __fixsfsi(uint32_t a) { return tg_f32_to_i32(a); }
uint32_t __fixunssfsi(uint32_t a) { return tg_f32_to_u32(a); }

#endif
