/* tg_app.h - a small program around a model: one line of hexadecimal digits in, the outputs back, over a serial line. */
#ifndef TG_APP_H
#define TG_APP_H

#include "tg.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A model's functions; those that its runtime has not got are NULL. */
typedef struct {
    const tg_model_info *(*info)(void);
    tg_status (*invoke)(void);
    void (*reset)(void);
    tg_status (*begin)(void);     /* builds the interpreter */
    uint32_t (*arena_used)(void); /* bytes */
    uint32_t arena_needed;        /* as estimated, 0 where the plan is exact */
    tg_status (*check_weights)(void);
    tg_overrun (*overrun)(void); /* of a checked build */
} tg_app_model;

/* -DTG_CHECK_WEIGHTS=1: tg_app_start holds the constants to their CRC-32 first. Otherwise nothing of it is linked. */
#if defined(TG_CHECK_WEIGHTS) && TG_CHECK_WEIGHTS
#define TG_APP_CHECK(function) function
#else
#define TG_APP_CHECK(function) NULL
#endif

/* Once: tells what runs here, and the CRC-32 of the outputs for a known input (the ramp). */
void tg_app_start(const tg_app_model *model);

/* Again and again: reads what came, and answers whole lines. Does not wait. Returns 0 when nothing came. */
int tg_app_step(void);

/* What the board gives: one file a framework implements it. */
int tg_port_read(void); /* the next byte, -1 when there is none */
void tg_port_write(const char *text, uint32_t bytes);
uint32_t tg_port_micros(void);

#ifdef __cplusplus
}
#endif

#endif
