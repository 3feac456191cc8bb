/* main.c - "conv" on ST Nucleo-F446RE by ST's HAL: the application around the model.
 * Yours to change. */
#include "conv.h"
#include "tg_app.h"
#include "tg_app_data.h"

static const tg_app_model model = {
    conv_info,
    conv_invoke,
    conv_reset,
    NULL, /* builds an interpreter */
    NULL,
    0,
    TG_APP_CHECK(conv_check_weights),
    NULL, /* of a checked build */
    NULL, /* what it is tested with at start */
    &conv_rules, /* when a label is an event */
    &conv_stream, /* a window over samples */
};

void tg_port_start(void);

int main(void) {
    tg_port_start();
    tg_app_start(&model);
    for (;;) {
        (void)tg_app_step();
    }
}
