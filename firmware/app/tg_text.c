/* tg_text.c - see tg_text.h. */
#include "tg_text.h"

#include "tg_app.h"

void tg_put(const char *text) {
    uint32_t length = 0;
    while (text[length] != 0) {
        length++;
    }
    tg_port_write(text, length);
}

void tg_put_unsigned(uint32_t value) {
    char text[10];
    uint32_t at = sizeof text;
    do {
        text[--at] = (char)('0' + value % 10u);
        value /= 10u;
    } while (value != 0);
    tg_port_write(text + at, (uint32_t)sizeof text - at);
}

void tg_put_signed(int32_t value) {
    if (value < 0) {
        tg_put("-");
    }
    tg_put_unsigned(value < 0 ? 0u - (uint32_t)value : (uint32_t)value);
}

void tg_put_hex(uint32_t value, uint32_t digit_count) {
    while (digit_count-- > 0) {
        const char digit = "0123456789abcdef"[(value >> (4u * digit_count)) & 15u];
        tg_port_write(&digit, 1);
    }
}

void tg_put_thousandths(float value) {
    const float most = 2097151.0f; /* above, thousandths leave 32 bits; NaN is told as 0 */
    float size = value < 0.0f ? -value : value;
    size = size > most ? most : size;
    const uint32_t whole = size > 0.0f ? (uint32_t)(size * 1000.0f) : 0u;
    if (value < 0.0f && whole != 0) {
        tg_put("-");
    }
    tg_put_unsigned(whole / 1000u);
    tg_put(".");
    tg_put_unsigned(whole / 100u % 10u);
    tg_put_unsigned(whole / 10u % 10u);
    tg_put_unsigned(whole % 10u);
}
