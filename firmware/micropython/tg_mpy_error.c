/* tg_mpy_error.c - see tg_mpy_error.h. */
#include "tg_mpy_error.h"

enum { TG_MPY_LINE = 96 };

static char *tg_mpy_text(char *to, const char *text) {
    while (*text != '\0') {
        *to++ = *text++;
    }
    return to;
}

static char *tg_mpy_number(char *to, uint32_t n) {
    uint32_t power = 1000000000u;
    const uint32_t shown = n;
    for (int place = 0; place < 10; place++) {
        char digit = '0';
        while (n >= power) {
            n -= power;
            digit++;
        }
        if (shown >= power || power == 1u) {
            *to++ = digit;
        }
        /* an exact tenth of a power of ten: 0x1999999A / 2^32 */
        power = (uint32_t)(((uint64_t)power * 0x1999999Au) >> 32);
    }
    return to;
}

void tg_mpy_raise(const mp_table *table, size_t qstr, const char *what, uint32_t found, const char *between,
                  uint32_t wanted) {
    char line[TG_MPY_LINE];
    char *end = tg_mpy_number(tg_mpy_text(line, what), found);
    end = tg_mpy_number(tg_mpy_text(end, between), wanted);
    const mp_obj text = table->new_str(line, (size_t)(end - line));
    table->raise(table->call(table->load_global(qstr), 1, &text));
}
