/* tg_mpy_support.c - what compilers call where a core lacks the instruction: a native module has no library to ask. */
#include <stddef.h>
#include <stdint.h>

#if defined(__arm__) || (defined(__riscv) && __riscv_xlen == 32)

static inline uint64_t joined(uint32_t low, uint32_t high) { return (uint64_t)high << 32 | low; }

#if defined(__arm__)
#define SHIFT_LEFT __aeabi_llsl
#define SHIFT_RIGHT __aeabi_llsr
#define SHIFT_SIGNED __aeabi_lasr
#define MULTIPLY __aeabi_lmul
#else
#define SHIFT_LEFT __ashldi3
#define SHIFT_RIGHT __lshrdi3
#define SHIFT_SIGNED __ashrdi3
#define MULTIPLY __muldi3
#endif

uint64_t SHIFT_LEFT(uint64_t a, int n);
uint64_t SHIFT_RIGHT(uint64_t a, int n);
int64_t SHIFT_SIGNED(int64_t a, int n);
uint64_t MULTIPLY(uint64_t a, uint64_t b);

uint64_t SHIFT_LEFT(uint64_t a, int n) {
    const uint32_t low = (uint32_t)a;
    const uint32_t high = (uint32_t)(a >> 32);
    if (n >= 32) {
        return joined(0, low << (n - 32));
    }
    return n == 0 ? a : joined(low << n, high << n | low >> (32 - n));
}

uint64_t SHIFT_RIGHT(uint64_t a, int n) {
    const uint32_t low = (uint32_t)a;
    const uint32_t high = (uint32_t)(a >> 32);
    if (n >= 32) {
        return high >> (n - 32);
    }
    return n == 0 ? a : joined(low >> n | high << (32 - n), high >> n);
}

int64_t SHIFT_SIGNED(int64_t a, int n) {
    const uint32_t low = (uint32_t)a;
    const int32_t high = (int32_t)(a >> 32);
    if (n >= 32) {
        return (int64_t)joined((uint32_t)(high >> (n - 32)), (uint32_t)(high >> 31));
    }
    return n == 0 ? a : (int64_t)joined(low >> n | (uint32_t)high << (32 - n), (uint32_t)(high >> n));
}

/* Schoolbook by 16 bits: a core that calls it may have no 32 x 32 -> 64. */
uint64_t MULTIPLY(uint64_t a, uint64_t b) {
    const uint32_t al = (uint32_t)a;
    const uint32_t bl = (uint32_t)b;
    const uint32_t low = (al & 0xFFFFu) * (bl & 0xFFFFu);
    const uint32_t middle = (al >> 16) * (bl & 0xFFFFu) + (low >> 16);
    const uint32_t other = (al & 0xFFFFu) * (bl >> 16) + (middle & 0xFFFFu);
    uint32_t high = (al >> 16) * (bl >> 16) + (middle >> 16) + (other >> 16);
    high += al * (uint32_t)(b >> 32) + (uint32_t)(a >> 32) * bl;
    return joined(other << 16 | (low & 0xFFFFu), high);
}

#endif

#if defined(__arm__)

/* Quotient and remainder, which the ABI wants in two registers: a 64-bit integer lies there. */
static uint64_t divided(uint32_t n, uint32_t d) {
    uint32_t quotient = 0;
    uint32_t rest = 0;
    for (int bit = 31; bit >= 0; bit--) {
        rest = rest << 1 | (n >> bit & 1u);
        if (d != 0 && rest >= d) {
            rest -= d;
            quotient |= 1u << bit;
        }
    }
    return joined(quotient, rest);
}

static uint64_t divided_signed(int32_t n, int32_t d) {
    const uint32_t top = n < 0 ? 0u - (uint32_t)n : (uint32_t)n;
    const uint32_t bottom = d < 0 ? 0u - (uint32_t)d : (uint32_t)d;
    const uint64_t both = divided(top, bottom);
    const uint32_t quotient = (uint32_t)both;
    const uint32_t rest = (uint32_t)(both >> 32);
    return joined((n < 0) != (d < 0) ? 0u - quotient : quotient, n < 0 ? 0u - rest : rest);
}

uint64_t __aeabi_uidivmod(uint32_t n, uint32_t d);
uint64_t __aeabi_idivmod(int32_t n, int32_t d);
uint32_t __aeabi_uidiv(uint32_t n, uint32_t d);
int32_t __aeabi_idiv(int32_t n, int32_t d);

uint64_t __aeabi_uidivmod(uint32_t n, uint32_t d) { return divided(n, d); }
uint64_t __aeabi_idivmod(int32_t n, int32_t d) { return divided_signed(n, d); }
uint32_t __aeabi_uidiv(uint32_t n, uint32_t d) { return (uint32_t)divided(n, d); }
int32_t __aeabi_idiv(int32_t n, int32_t d) { return (int32_t)(uint32_t)divided_signed(n, d); }

void *memcpy(void *to, const void *from, size_t n);
void *memmove(void *to, const void *from, size_t n);
void *memset(void *to, int value, size_t n);
void __aeabi_memcpy(void *to, const void *from, size_t n);
void __aeabi_memcpy4(void *to, const void *from, size_t n);
void __aeabi_memcpy8(void *to, const void *from, size_t n);
void __aeabi_memmove(void *to, const void *from, size_t n);
void __aeabi_memmove4(void *to, const void *from, size_t n);
void __aeabi_memmove8(void *to, const void *from, size_t n);
void __aeabi_memset(void *to, size_t n, int value);
void __aeabi_memset4(void *to, size_t n, int value);
void __aeabi_memset8(void *to, size_t n, int value);
void __aeabi_memclr(void *to, size_t n);
void __aeabi_memclr4(void *to, size_t n);
void __aeabi_memclr8(void *to, size_t n);

void __aeabi_memcpy(void *to, const void *from, size_t n) { memcpy(to, from, n); }
void __aeabi_memcpy4(void *to, const void *from, size_t n) { memcpy(to, from, n); }
void __aeabi_memcpy8(void *to, const void *from, size_t n) { memcpy(to, from, n); }
void __aeabi_memmove(void *to, const void *from, size_t n) { memmove(to, from, n); }
void __aeabi_memmove4(void *to, const void *from, size_t n) { memmove(to, from, n); }
void __aeabi_memmove8(void *to, const void *from, size_t n) { memmove(to, from, n); }
void __aeabi_memset(void *to, size_t n, int value) { memset(to, value, n); }
void __aeabi_memset4(void *to, size_t n, int value) { memset(to, value, n); }
void __aeabi_memset8(void *to, size_t n, int value) { memset(to, value, n); }
void __aeabi_memclr(void *to, size_t n) { memset(to, 0, n); }
void __aeabi_memclr4(void *to, size_t n) { memset(to, 0, n); }
void __aeabi_memclr8(void *to, size_t n) { memset(to, 0, n); }

#endif
