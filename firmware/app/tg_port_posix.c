/* tg_port_posix.c - the application's serial line and clock on a host: standard input and output, not waited for. */
#if !defined(_POSIX_C_SOURCE)
#define _POSIX_C_SOURCE 200809L
#endif
#include "tg_app.h"

#include <poll.h>
#include <time.h>
#include <unistd.h>

int tg_port_read(void) {
    struct pollfd line = {STDIN_FILENO, POLLIN, 0};
    uint8_t byte;
    return poll(&line, 1, 0) > 0 && read(STDIN_FILENO, &byte, 1) == 1 ? byte : -1;
}

void tg_port_write(const char *text, uint32_t bytes) {
    while (bytes > 0) {
        const ssize_t written = write(STDOUT_FILENO, text, bytes);
        if (written <= 0) {
            return;
        }
        text += written;
        bytes -= (uint32_t)written;
    }
}

uint32_t tg_port_micros(void) {
    struct timespec now = {0, 0};
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint32_t)((uint64_t)now.tv_sec * 1000000u + (uint64_t)now.tv_nsec / 1000u);
}
