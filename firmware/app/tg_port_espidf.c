/* tg_port_espidf.c - the application's serial line (ESP-IDF's console) and clock. */
#include <stdio.h>

#include "esp_timer.h"
#include "tg_app.h"

int tg_port_read(void) {
    const int c = fgetc(stdin);
    if (c == EOF) {
        clearerr(stdin);
        return -1;
    }
    return c;
}

void tg_port_write(const char *text, uint32_t bytes) {
    (void)fwrite(text, 1, bytes, stdout);
    (void)fflush(stdout);
}

uint32_t tg_port_micros(void) { return (uint32_t)esp_timer_get_time(); }
