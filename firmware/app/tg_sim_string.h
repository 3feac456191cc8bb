/* tg_sim_string.h - what the application wants of <string.h> besides the four of tg.h, for programs without a C library. */
#ifndef TG_SIM_STRING_H
#define TG_SIM_STRING_H

#include <stddef.h>

size_t strlen(const char *text);
int strcmp(const char *a, const char *b);

#endif
