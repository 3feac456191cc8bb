/* tg_sim.h - what the simulation harness needs of the machine it runs on; one file a machine implements it. */
#ifndef TG_SIM_H
#define TG_SIM_H

#include "tg.h"

typedef tg_status (*tg_call)(void);

/* Files on the host, in the folder of the run. */
int tg_open(const char *name, int for_writing);
uint32_t tg_read(int file, void *to, uint32_t bytes); /* how many bytes came */
void tg_write(int file, const void *from, uint32_t bytes);
void tg_exit(int code); /* does not return */

/* A clock that advances with every instruction; its kind and address stand in the request. */
enum {
    TG_CLOCK_NONE = 0,
    TG_CLOCK_CMSDK = 1,
    TG_CLOCK_NRF = 2,
    TG_CLOCK_MINSTRET = 3,
    TG_CLOCK_HOST = 4,
    TG_CLOCK_SSE = 5
};
void tg_clock_start(uint32_t kind, uint32_t address);
uint64_t tg_clock(void);
uint64_t tg_clock_between(uint64_t from, uint64_t to);
uint64_t tg_host_clock(void); /* the simulator's own count of instructions */

/* In assembly, so that their cost and their stack are known. */
tg_status tg_enter(tg_call call); /* notes the stack pointer at the call, then calls */
tg_status tg_one_instruction(void);
uint32_t tg_spin(uint32_t rounds); /* 2 * rounds + 1 instructions */
void tg_paint(void);               /* fills the unused stack with a pattern */
uint32_t tg_stack_used(void);      /* bytes that the last tg_enter changed, or one of these */

/* Where the simulator maps more than the board has, and the core can: makes everything else fault. */
void tg_protect(void);

#define TG_STACK_UNKNOWN 0xffffffffu
#define TG_STACK_OVERFLOW 0xfffffffeu

/* The harness: runs the request, returns the exit code. */
int tg_harness(void);
void tg_report_fault(uint32_t cause, uint32_t pc, uint32_t lr, uint32_t address, uint32_t status);

#endif
