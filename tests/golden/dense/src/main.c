/* main.c - "dense" on ST Nucleo-F446RE by ST's HAL: hexadecimal input lines over the ST-LINK's serial port, outputs back.
 * Yours to change. */
#include "dense.h"
#include "tg_app.h"

static const tg_app_model model = {
    dense_info, dense_invoke, dense_reset,
    NULL, NULL, 0,
    TG_APP_CHECK(dense_check_weights), NULL,
};

void tg_port_start(void);

int main(void) {
    tg_port_start();
    tg_app_start(&model);
    for (;;) {
        (void)tg_app_step();
    }
}
