/* tg_app_sim.c - the application on a simulator's board, in place of the harness: same start-up, same memory, a serial line. */
#include "tg_app.h"
#include "tg_sim.h"
#include "tg_sim_string.h"

#include "tg_sim_model.h"

#if defined(__GNUC__) && !defined(__clang__) /* no loop becomes a call of the function that it is in */
#pragma GCC optimize("no-tree-loop-distribute-patterns")
#endif

size_t strlen(const char *text) {
    size_t length = 0;
    while (text[length] != '\0') {
        length++;
    }
    return length;
}

int strcmp(const char *a, const char *b) {
    for (; *a == *b && *a != '\0'; a++) {
        b++;
    }
    return (unsigned char)*a - (unsigned char)*b;
}

void tg_report_fault(uint32_t cause, uint32_t pc, uint32_t lr, uint32_t address, uint32_t status) {
    static const char text[] = "\nerror: the processor faulted\n";
    (void)cause;
    (void)pc;
    (void)lr;
    (void)address;
    (void)status;
    tg_port_write(text, (uint32_t)sizeof text - 1u);
}

void tg_port_start(void);

int tg_harness(void) {
    static const tg_app_model model = {
        .info = TG_MODEL(info),
        .invoke = TG_MODEL(invoke),
        .reset = TG_MODEL(reset),
#if defined(TG_MODEL_CHECKED)
        .overrun = TG_MODEL(overrun),
#endif
    };
    tg_clock_start(TG_SIM_CLOCK, TG_SIM_CLOCK_ADDRESS);
    tg_port_start();
    tg_app_start(&model);
    for (;;) {
        (void)tg_app_step();
    }
}
