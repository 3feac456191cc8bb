/* main.c - "dense" on ST Nucleo-F446RE by ST's HAL: the application around the model.
 * Yours to change. */
#include "dense.h"
#include "tg_app.h"

static const tg_app_model model = {
    dense_info,
    dense_invoke,
    dense_reset,
    NULL, /* builds an interpreter */
    NULL,
    0,
    TG_APP_CHECK(dense_check_weights),
    NULL, /* of a checked build */
    NULL, /* what it is tested with at start */
    NULL, /* when a label is an event */
    NULL, /* a window over samples */
};

void tg_port_start(void);

int main(void) {
    tg_port_start();
    tg_app_start(&model);
    for (;;) {
        (void)tg_app_step();
    }
}
