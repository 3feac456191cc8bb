/* tg_mpy_float.h - IEEE 754 single precision by integers, rounded to nearest even, for cores without an FPU.
 *
 * A float is its bit pattern. A number is m * 2^(e - 157) while it is worked on: e is the biased exponent when m has its
 * first one at bit 30, and the seven bits below a float's 24 say how to round, the last of them standing for all that
 * were shifted out. NaN comes out quiet, its payload is not promised. */
#ifndef TG_MPY_FLOAT_H
#define TG_MPY_FLOAT_H

#include <stdint.h>

#define TG_F32_SIGN 0x80000000u
#define TG_F32_INF 0x7F800000u
#define TG_F32_NAN 0x7FC00000u
#define TG_F32_ONE_AT_23 0x00800000u

/* Whether the core counts leading zeros and divides by instructions. */
#ifndef TG_F32_FAST
#if defined(__ARM_FEATURE_CLZ) && defined(__ARM_FEATURE_IDIV)
#define TG_F32_FAST 1
#elif defined(__riscv_div)
#define TG_F32_FAST 2
#else
#define TG_F32_FAST 0
#endif
#endif

static inline uint32_t tg_f32_size(uint32_t a) { return a & ~TG_F32_SIGN; }

static inline int tg_f32_is_nan(uint32_t a) { return tg_f32_size(a) > TG_F32_INF; }

/* m / 2^count, its last bit set where a one was lost. */
static inline uint32_t tg_f32_right(uint32_t m, int32_t count) {
    if (count > 31) {
        return m != 0u;
    }
    const uint32_t lost = count == 0 ? 0u : m << (32 - count);
    return m >> count | (lost != 0u);
}

/* How far m, not 0, is shifted left until its first one is at bit 31. */
static inline int32_t tg_f32_zeros(uint32_t m) {
#if TG_F32_FAST == 1
    return __builtin_clz(m);
#else
    int32_t count = 0;
    for (int32_t step = 16; step != 0; step >>= 1) {
        if (m >> (32 - step) == 0u) {
            m <<= step;
            count += step;
        }
    }
    return count;
#endif
}

/* m in [2^30, 2^31). */
static inline uint32_t tg_f32_rounded(uint32_t sign, int32_t e, uint32_t m) {
    if (e >= 255) {
        return sign | TG_F32_INF;
    }
    if (e <= 0) { /* subnormal, or rounded up to the first normal number */
        m = tg_f32_right(m, 1 - e);
        e = 1;
    }
    return sign | (((uint32_t)(e - 1) << 23) + ((m + 0x3Fu + (m >> 7 & 1u)) >> 7));
}

/* The 24 bits of a finite number that is not 0, first one at bit 23, and its exponent. */
static inline uint32_t tg_f32_parts(uint32_t a, int32_t *e) {
    uint32_t m = a & 0x7FFFFFu;
    *e = (int32_t)(tg_f32_size(a) >> 23);
    if (*e != 0) {
        return m | TG_F32_ONE_AT_23;
    }
    const int32_t up = tg_f32_zeros(m) - 8;
    *e = 1 - up;
    return m << up;
}

/* The sum of finite numbers, a's size the larger. */
static inline uint32_t tg_f32_sum(uint32_t a, uint32_t b) {
    int32_t e = (int32_t)(tg_f32_size(a) >> 23);
    int32_t eb = (int32_t)(tg_f32_size(b) >> 23);
    uint32_t m = (a & 0x7FFFFFu) | (e != 0 ? TG_F32_ONE_AT_23 : 0u);
    const uint32_t mb = (b & 0x7FFFFFu) | (eb != 0 ? TG_F32_ONE_AT_23 : 0u);
    e += e == 0;
    eb += eb == 0;
    const uint32_t added = tg_f32_right(mb << 6, e - eb);
    const uint32_t differ = (a ^ b) & TG_F32_SIGN;
    m = differ != 0u ? (m << 6) - added : (m << 6) + added;
    if (m == 0u) {
        return differ != 0u ? 0u : a & TG_F32_SIGN;
    }
    const int32_t up = tg_f32_zeros(m) - 1;
    return tg_f32_rounded(a & TG_F32_SIGN, e + 1 - up, m << up);
}

static inline uint32_t tg_f32_add(uint32_t a, uint32_t b) {
    if (tg_f32_size(a) < tg_f32_size(b)) {
        const uint32_t other = a;
        a = b;
        b = other;
    }
    if (tg_f32_size(a) < TG_F32_INF) {
        return tg_f32_sum(a, b);
    }
    return tg_f32_is_nan(a) || (a ^ b) == TG_F32_SIGN ? TG_F32_NAN : a;
}

static inline uint32_t tg_f32_mul(uint32_t a, uint32_t b) {
    const uint32_t sign = (a ^ b) & TG_F32_SIGN;
    const uint32_t low = tg_f32_size(a) < tg_f32_size(b) ? tg_f32_size(a) : tg_f32_size(b);
    const uint32_t high = tg_f32_size(a) ^ tg_f32_size(b) ^ low;
    if (high >= TG_F32_INF) {
        return high > TG_F32_INF || low == 0u ? TG_F32_NAN : sign | TG_F32_INF;
    }
    if (low == 0u) {
        return sign;
    }
    int32_t ea;
    int32_t eb;
    const uint32_t ma = tg_f32_parts(a, &ea);
    const uint64_t product = (uint64_t)ma * tg_f32_parts(b, &eb);
    uint32_t m = (uint32_t)(product >> 16) | ((product & 0xFFFFu) != 0u);
    int32_t e = ea + eb - 127;
    if (m >= 0x80000000u) {
        m = tg_f32_right(m, 1);
        e++;
    }
    return tg_f32_rounded(sign, e, m);
}

static inline uint32_t tg_f32_div(uint32_t a, uint32_t b) {
    const uint32_t sign = (a ^ b) & TG_F32_SIGN;
    const uint32_t top = tg_f32_size(a);
    const uint32_t bottom = tg_f32_size(b);
    if (top > TG_F32_INF || bottom > TG_F32_INF || (top == bottom && (top == 0u || top == TG_F32_INF))) {
        return TG_F32_NAN;
    }
    if (top == TG_F32_INF || bottom == 0u) {
        return sign | TG_F32_INF;
    }
    if (top == 0u || bottom == TG_F32_INF) {
        return sign;
    }
    int32_t ea;
    int32_t eb;
    uint32_t rest = tg_f32_parts(a, &ea);
    const uint32_t divisor = tg_f32_parts(b, &eb);
    int32_t e = ea - eb + 127;
    if (rest < divisor) {
        rest <<= 1;
        e--;
    }
    uint32_t m = 1;
    rest -= divisor;
    /* a quotient in [1, 2): a one, then 24 bits */
#if TG_F32_FAST
    for (int i = 0; i < 3; i++) {
        const uint32_t digit = (rest << 8) / divisor;
        rest = (rest << 8) - digit * divisor;
        m = m << 8 | digit;
    }
#else
    for (int i = 0; i < 24; i++) {
        m <<= 1;
        rest <<= 1;
        if (rest >= divisor) {
            rest -= divisor;
            m |= 1u;
        }
    }
#endif
    return tg_f32_rounded(sign, e, m << 6 | (rest != 0u));
}

/* Negative, 0 or positive as a is less than b, equal or greater; `unordered` where one is NaN. */
static inline int32_t tg_f32_compare(uint32_t a, uint32_t b, int32_t unordered) {
    if (tg_f32_is_nan(a) || tg_f32_is_nan(b)) {
        return unordered;
    }
    const int32_t x = (int32_t)a < 0 ? (int32_t)(TG_F32_SIGN - a) : (int32_t)a;
    const int32_t y = (int32_t)b < 0 ? (int32_t)(TG_F32_SIGN - b) : (int32_t)b;
    return (x > y) - (x < y);
}

/* (-1)^(sign != 0) * n */
static inline uint32_t tg_f32_from(uint32_t n, uint32_t sign) {
    if (n == 0u) {
        return 0u;
    }
    const int32_t up = tg_f32_zeros(n);
    return tg_f32_rounded(sign, 158 - up, tg_f32_right(n << up, 1));
}

/* The whole part of a's size, at most `limit`; 0 of NaN. */
static inline uint32_t tg_f32_whole(uint32_t a, uint32_t limit) {
    const int32_t e = (int32_t)(tg_f32_size(a) >> 23) - 150;
    const uint32_t m = (a & 0x7FFFFFu) | TG_F32_ONE_AT_23;
    if (tg_f32_is_nan(a) || e < -23) {
        return 0u;
    }
    if (e > 8) {
        return limit;
    }
    const uint32_t n = e < 0 ? m >> -e : m << e;
    return n < limit ? n : limit;
}

/* What does not fit comes to the nearest that does. */
static inline int32_t tg_f32_to_i32(uint32_t a) {
    const uint32_t sign = a >> 31;
    const uint32_t n = tg_f32_whole(a, 0x7FFFFFFFu + sign);
    return (int32_t)(sign != 0u ? 0u - n : n);
}

static inline uint32_t tg_f32_to_u32(uint32_t a) { return a >> 31 != 0u ? 0u : tg_f32_whole(a, 0xFFFFFFFFu); }

#endif
