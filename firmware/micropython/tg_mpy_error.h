/* tg_mpy_error.h - a ValueError with two numbers, made without division, tables or writable statics. */
#ifndef TG_MPY_ERROR_H
#define TG_MPY_ERROR_H

#include "tg_mpy.h"

/* Raises ValueError("<what><found><between><wanted>"), at most 95 characters; `qstr` is that of the exception's name. */
void tg_mpy_raise(const mp_table *table, size_t qstr, const char *what, uint32_t found, const char *between,
                  uint32_t wanted);

#endif
