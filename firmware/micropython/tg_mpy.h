/* tg_mpy.h - what a native module needs of MicroPython 1.23 and later: its function table and two structs, by position.
 *
 * Everything is reached through the function object that MicroPython calls, so that the module needs no relocation:
 * function -> context -> objects, of which the first is the function table.
 */
#ifndef TG_MPY_H
#define TG_MPY_H

#include <stddef.h>
#include <stdint.h>

typedef void *mp_obj;

/* The head of a function object and the module's state that it points to. */
typedef struct {
    const void *type;
    void *globals;
    const uint16_t *qstrs;
    mp_obj *objects;
} mp_context;

typedef struct {
    const void *type;
    const mp_context *context;
    const void *children;
    const uint8_t *code; /* as data; some cores run it at another address */
} mp_function;

/* How code of a function is described; read and copied while the function object is made. */
typedef struct {
    uint8_t indicator[2]; /* zeros */
    uint8_t kind;         /* 4: takes (function, positional, keywords, arguments), as viper code does */
    uint8_t is_generator;
    const void *code;
    const void *children;
    uint32_t rest[6]; /* members of builds that save code */
} mp_raw_code;

typedef struct {
    void *data;
    size_t bytes;
    int type;
} mp_buffer;

enum { MP_READ = 1, MP_WRITE = 2, MP_RAISE = 4, MP_INT = 2, MP_VIPER = 4 };

typedef mp_obj (*mp_code)(const mp_function *self, size_t positional, size_t keywords, const mp_obj *arguments);

/* Members by their place in the table; those between are of no use here. */
typedef struct {
    mp_obj none; /* 0 */
    const void *places_1[3];
    mp_obj (*to_object)(uintptr_t value, uintptr_t type); /* 4 */
    void *(*swap_globals)(void *globals);                 /* 5 */
    const void *place_6;
    mp_obj (*load_global)(size_t qstr); /* 7 */
    const void *places_8[5];
    void (*store_global)(size_t qstr, mp_obj value); /* 13 */
    const void *places_14[12];
    mp_obj (*make_function)(const mp_raw_code *code, const mp_context *context, const mp_obj *defaults); /* 26 */
    mp_obj (*call)(mp_obj function, size_t arguments, const mp_obj *values);                             /* 27 */
    const void *places_28[6];
    void (*raise)(mp_obj exception); /* 34 */
    const void *places_35[9];
    void (*check_arguments)(size_t positional, size_t keywords, uint32_t signature); /* 44 */
    const void *places_45[12];
    mp_obj (*new_str)(const char *data, size_t length); /* 57 */
    const void *places_58[7];
    int (*get_buffer)(mp_obj object, mp_buffer *buffer, uintptr_t flags); /* 65 */
} mp_table;

static inline const mp_table *mp_table_of(const mp_function *self) {
    return (const mp_table *)self->context->objects[0];
}

#endif
