/* tg_link.h - framed requests on the application's serial line, beside its text: what `tinygen validate` speaks (docs/serial.md).
 *
 * From a '~' to the end of its line everything belongs to the link, all else to the text. No heap. What it gives the application
 * is declared in tg_app.h: tg_link_start, _take, _self_test, _busy, _interrupt. Answers go to tg_port_write.
 */
#ifndef TG_LINK_H
#define TG_LINK_H

#include "tg_app.h"

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

/* Microseconds after a request for which the application's own input waits: no sample of a sensor comes between. */
#ifndef TG_LINK_PAUSE
#define TG_LINK_PAUSE 3000000u
#endif

#endif
