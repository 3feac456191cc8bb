/* app_on_core.c - the application on a simulated core, in the harness's place: what it says goes to a file of the host. */
#include "tg_app.h"
#include "tg_app_data.h"
#include "tg_cycles.h"
#include "tg_sim.h"
#include "tg_text.h"
#include "toy.h"

static const tg_app_model model = {
    toy_info, toy_invoke, toy_reset, NULL, NULL, 0, NULL, NULL, &toy_vectors, NULL, NULL,
};
static const char line[] = LINE;
static uint32_t at;
static uint32_t now;
static int out;

int tg_port_read(void) { return line[at] != 0 ? line[at++] : -1; }
void tg_port_write(const char *text, uint32_t bytes) { tg_write(out, text, bytes); }
uint32_t tg_port_micros(void) { return now += 7u; }

/* What `rounds` rounds of two instructions took. */
static uint32_t spin(uint32_t rounds) {
    const uint32_t before = tg_cycles_read();
    (void)tg_spin(rounds);
    return tg_cycles_read() - before;
}

int tg_harness(void) {
    out = tg_open("said.txt", 1);
    tg_app_start(&model);
    while (tg_app_step()) {
    }
    tg_put("spin: ");
    tg_put_unsigned(spin(1000));
    tg_put(" ");
    tg_put_unsigned(spin(2000));
    tg_put(" ");
    tg_put(tg_cycles_unit());
    tg_put("\n");
    return 0;
}

/* The harness's other duties. */
void tg_report_fault(uint32_t cause, uint32_t pc, uint32_t lr, uint32_t address, uint32_t status) {
    (void)cause;
    (void)lr;
    (void)address;
    (void)status;
    tg_put("fault at ");
    tg_put_hex(pc, 8);
    tg_put("\n");
}
