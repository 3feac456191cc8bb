/* host_device.c - a board as a program of this machine: the application and the toy, over tg_port_stdio.c.
 *
 * In its environment: RESET_AT=n, the program ends in the n-th inference, as where a watchdog bites; FAIL_AT=n, that one fails;
 * DISTURB_AT=n, after the n-th line something else has written into the input; SELF_TEST=0 or 1, what the self-test found. */
#include <stdlib.h>

#include "tg_app.h"
#include "toy.h"

int tg_port_ended(void);
int tg_board_read(void); /* tg_port_stdio.c's own */

static int started; /* the self-test is over */

static int number(const char *name) { return getenv(name) != NULL ? atoi(getenv(name)) : -1; }

int tg_port_read(void) {
    static int lines;
    const int byte = tg_board_read();
    lines += byte == '\n';
    if (byte == '~' && lines == number("DISTURB_AT")) {
        toy_input()[3] = (int8_t)(toy_input()[3] + 1);
    }
    return byte;
}

static tg_status invoke(void) {
    static int inferences;
    inferences += started;
    if (started && inferences == number("RESET_AT")) {
        exit(7);
    }
    return started && inferences == number("FAIL_AT") ? TG_ERROR : toy_invoke();
}

int main(void) {
    static const tg_app_model model = {.info = toy_info, .invoke = invoke, .reset = toy_reset};
    tg_app_start(&model);
    started = 1;
    if (getenv("SELF_TEST") != NULL) {
        tg_link_self_test(number("SELF_TEST"));
    }
    while (!tg_port_ended()) {
        (void)tg_app_step();
    }
    return 0;
}
