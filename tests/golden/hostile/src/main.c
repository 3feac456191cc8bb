/* main.c - "hostile" on ST Nucleo-F446RE by ST's HAL: hexadecimal input lines over the ST-LINK's serial port, outputs back.
 * Yours to change. */
#include "hostile.h"
#include "tg_app.h"

static const tg_app_model model = {
    hostile_info, hostile_invoke, hostile_reset,
    NULL, NULL, 0,
    TG_APP_CHECK(hostile_check_weights), NULL,
};

void tg_port_start(void);

int main(void) {
    tg_port_start();
    tg_app_start(&model);
    for (;;) {
        (void)tg_app_step();
    }
}
