/* native.c - the harness as a program of the host: ordinary files, no clock, no measured stack. */
#include "tg_sim.h"

#include <stdio.h>
#include <stdlib.h>

static FILE *files[2];

int tg_open(const char *name, int for_writing) {
    files[for_writing] = fopen(name, for_writing ? "wb" : "rb");
    return files[for_writing] != NULL ? for_writing : -1;
}

uint32_t tg_read(int file, void *to, uint32_t bytes) { return (uint32_t)fread(to, 1, bytes, files[file]); }

/* Flushed at once: what was written before a crash stays readable. */
void tg_write(int file, const void *from, uint32_t bytes) {
    if (fwrite(from, 1, bytes, files[file]) != bytes || fflush(files[file]) != 0) {
        exit(2);
    }
}

void tg_exit(int code) { exit(code); }

void tg_clock_start(uint32_t kind, uint32_t address) {
    (void)kind;
    (void)address;
}

void tg_protect(void) {}

uint64_t tg_clock(void) { return 0; }

uint64_t tg_clock_between(uint64_t from, uint64_t to) { return to - from; }

tg_status tg_enter(tg_call call) { return call(); }

tg_status tg_one_instruction(void) { return TG_OK; }

uint32_t tg_spin(uint32_t rounds) { return rounds; }

void tg_paint(void) {}

uint32_t tg_stack_used(void) { return TG_STACK_UNKNOWN; }

int main(void) { return tg_harness(); }
