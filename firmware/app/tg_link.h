/* tg_link.h - framed requests on the application's serial line, beside its text: what `tinygen validate` speaks (docs/serial.md).
 *
 * From a '~' to the end of its line everything belongs to the link, all else to the text. No heap.
 */
#ifndef TG_LINK_H
#define TG_LINK_H

#include "tg_app.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The longest request, in characters from '~' to the end of its line, a multiple of 4: no more than the port buffers while nobody
 * reads. Arduino cores buffer from 64 bytes up; an ESP32's UART holds 128, and the application sleeps for a tick. */
#ifndef TG_LINK_FRAME
#if defined(ESP_PLATFORM)
#define TG_LINK_FRAME 120
#elif defined(ARDUINO)
#define TG_LINK_FRAME 60
#else
#define TG_LINK_FRAME 240
#endif
#endif

/* -DTG_LINK_SIMULATED=1: times are a simulator's. */
#ifndef TG_LINK_SIMULATED
#define TG_LINK_SIMULATED 0
#endif

/* Where a program has a finer clock than tg_port_micros, or times its layers. */
typedef struct {
    uint32_t (*now)(void);             /* ticks, may wrap */
    uint32_t per_second;               /* ticks; 0: they are cycles of the core, whatever its clock is */
    uint32_t (*layer)(uint32_t index); /* ticks that the layer of this index took in the last invoke; NULL: not known */
} tg_link_clock;

/* Once the model is ready, or known not to be. */
void tg_link_start(const tg_app_model *model, int ready);

/* `clock` is used until another one is given; without one tg_port_micros tells the time, and layers are not timed. */
void tg_link_set_clock(const tg_link_clock *clock);

/* What the self-test at start found; not called where there was none. */
void tg_link_self_test(int passed);

/* Takes a character that the port read; 0 where it is none of the link's. Answers go to tg_port_write. */
int tg_link_take(int c);

#ifdef __cplusplus
}
#endif

#endif
