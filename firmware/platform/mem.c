/* mem.c - memcpy, memmove, memset and memcmp for programs without a C library: small, by words where both ends are aligned.
 *
 * Compile with -fno-builtin; the pragma keeps gcc from turning the loops into calls of themselves.
 */
#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC optimize("no-tree-loop-distribute-patterns")
#endif

#if defined(__GNUC__)
typedef uint32_t __attribute__((may_alias)) word;
#else
typedef uint32_t word;
#endif

void *memcpy(void *to, const void *from, size_t n);
void *memmove(void *to, const void *from, size_t n);
void *memset(void *to, int value, size_t n);
int memcmp(const void *a, const void *b, size_t n);

void *memcpy(void *to, const void *from, size_t n) {
    uint8_t *d = (uint8_t *)to;
    const uint8_t *s = (const uint8_t *)from;
    if ((((uintptr_t)d ^ (uintptr_t)s) & 3u) == 0) {
        for (; n != 0 && ((uintptr_t)d & 3u) != 0; n--) {
            *d++ = *s++;
        }
        for (; n >= 16; n -= 16, d += 16, s += 16) {
            word *dw = (word *)(void *)d;
            const word *sw = (const word *)(const void *)s;
            const word a = sw[0];
            const word b = sw[1];
            const word c = sw[2];
            const word e = sw[3];
            dw[0] = a;
            dw[1] = b;
            dw[2] = c;
            dw[3] = e;
        }
        for (; n >= 4; n -= 4, d += 4, s += 4) {
            *(word *)(void *)d = *(const word *)(const void *)s;
        }
    }
    for (; n != 0; n--) {
        *d++ = *s++;
    }
    return to;
}

void *memmove(void *to, const void *from, size_t n) {
    uint8_t *d = (uint8_t *)to + n;
    const uint8_t *s = (const uint8_t *)from + n;
    if ((uintptr_t)to - (uintptr_t)from >= n) { /* also true where `to` lies before `from` */
        return memcpy(to, from, n);
    }
    if ((((uintptr_t)d ^ (uintptr_t)s) & 3u) == 0) {
        for (; n != 0 && ((uintptr_t)d & 3u) != 0; n--) {
            *--d = *--s;
        }
        for (; n >= 4; n -= 4) {
            d -= 4;
            s -= 4;
            *(word *)(void *)d = *(const word *)(const void *)s;
        }
    }
    for (; n != 0; n--) {
        *--d = *--s;
    }
    return to;
}

void *memset(void *to, int value, size_t n) {
    uint8_t *d = (uint8_t *)to;
    const uint8_t byte = (uint8_t)value;
    const word four = 0x01010101u * byte;
    for (; n != 0 && ((uintptr_t)d & 3u) != 0; n--) {
        *d++ = byte;
    }
    for (; n >= 4; n -= 4, d += 4) {
        *(word *)(void *)d = four;
    }
    for (; n != 0; n--) {
        *d++ = byte;
    }
    return to;
}

int memcmp(const void *a, const void *b, size_t n) {
    const uint8_t *x = (const uint8_t *)a;
    const uint8_t *y = (const uint8_t *)b;
    for (; n != 0; n--, x++, y++) {
        if (*x != *y) {
            return *x < *y ? -1 : 1;
        }
    }
    return 0;
}
