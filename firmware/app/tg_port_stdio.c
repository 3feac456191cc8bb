/* tg_port_stdio.c - the application's serial line (standard input and output) and clock on Linux and macOS. */
#define _POSIX_C_SOURCE 200112L
#include <errno.h>
#include <sys/select.h>
#include <time.h>
#include <unistd.h>

#include "tg_app.h"

static char came[256];
static ssize_t count, next;
static int ended;

int tg_port_ended(void);

/* Whether standard input is at its end and everything that came has been read. */
int tg_port_ended(void) { return ended; }

int tg_port_read(void) {
    if (next == count && !ended) {
        struct timeval wait = {0, 10000}; /* spares the processor where nothing comes */
        fd_set set;
        FD_ZERO(&set);
        FD_SET(STDIN_FILENO, &set);
        next = count = 0;
        if (select(STDIN_FILENO + 1, &set, NULL, NULL, &wait) > 0) {
            count = read(STDIN_FILENO, came, sizeof came);
            ended = count == 0 || (count < 0 && errno != EINTR);
            count = count < 0 ? 0 : count;
        }
    }
    return next < count ? (unsigned char)came[next++] : -1;
}

void tg_port_write(const char *text, uint32_t bytes) {
    while (bytes > 0) {
        const ssize_t done = write(STDOUT_FILENO, text, bytes);
        if (done < 0 && errno != EINTR) {
            return;
        }
        text += done > 0 ? done : 0;
        bytes -= done > 0 ? (uint32_t)done : 0u;
    }
}

uint32_t tg_port_micros(void) {
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint32_t)now.tv_sec * 1000000u + (uint32_t)(now.tv_nsec / 1000);
}
