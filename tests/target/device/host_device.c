/* host_device.c - a board as a program of this machine: the application and the toy, the serial line is stdin and stdout.
 *
 * RESET_AT=n in its environment: the program ends in the n-th inference, as where a watchdog bites; FAIL_AT=n: that one fails. */
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "tg_app.h"
#include "tg_link.h"
#include "toy.h"

static int started; /* the self-test is over */
static int ended;

int tg_port_read(void) {
    unsigned char byte;
    struct pollfd wait = {0, POLLIN, 0};
    if (poll(&wait, 1, 20) <= 0) {
        return -1;
    }
    if (read(0, &byte, 1) != 1) {
        ended = 1;
        return -1;
    }
    return byte;
}

void tg_port_write(const char *text, uint32_t bytes) {
    while (bytes != 0) {
        const ssize_t done = write(1, text, bytes);
        if (done <= 0) {
            exit(0);
        }
        text += done;
        bytes -= (uint32_t)done;
    }
}

uint32_t tg_port_micros(void) {
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint32_t)(now.tv_sec * 1000000 + now.tv_nsec / 1000);
}

#if defined(TG_TRACE)
static uint32_t calls[3];
static uint32_t layer(uint32_t index) { return 1000u * (index + 1u) + calls[index] * 0u; }
void tg_on_layer(uint32_t index, const void *data, uint32_t bytes) {
    (void)data;
    (void)bytes;
    calls[index]++;
}
static const tg_link_clock timed = {tg_port_micros, 1000000, layer};
#endif

static tg_status invoke(void) {
    static int inferences;
    inferences += started;
    if (getenv("RESET_AT") != NULL && inferences == atoi(getenv("RESET_AT"))) {
        exit(7);
    }
    if (getenv("FAIL_AT") != NULL && inferences == atoi(getenv("FAIL_AT"))) {
        return TG_ERROR;
    }
    return toy_invoke();
}

int main(void) {
    static const tg_app_model model = {.info = toy_info, .invoke = invoke, .reset = toy_reset};
#if defined(TG_TRACE)
    tg_link_set_clock(&timed);
#endif
    tg_app_start(&model);
    started = 1;
    while (!ended) {
        (void)tg_app_step();
    }
    return 0;
}
