/* runtime.h - as much of MicroPython's C API as a generated user module names, declared for the host's stand-in runtime. */
#ifndef RUNTIME_H
#define RUNTIME_H

#include <stddef.h>
#include <stdint.h>

#include "qstrs.h"

typedef void *mp_obj_t;
typedef const void *mp_const_obj_t;
typedef mp_const_obj_t mp_rom_obj_t;
typedef const char *mp_rom_error_text_t;

typedef struct {
    const char *name;
} mp_obj_type_t;

typedef struct {
    const mp_obj_type_t *type;
} mp_obj_base_t;

typedef struct {
    mp_rom_obj_t key;
    mp_rom_obj_t value;
} mp_rom_map_elem_t;

typedef struct {
    mp_obj_base_t base;
    size_t used;
    const mp_rom_map_elem_t *table;
} mp_obj_dict_t;

typedef struct {
    mp_obj_base_t base;
    mp_obj_dict_t *globals;
} mp_obj_module_t;

typedef struct {
    mp_obj_base_t base;
    mp_obj_t (*one)(mp_obj_t);
    mp_obj_t (*three)(mp_obj_t, mp_obj_t, mp_obj_t);
} mp_obj_fun_t;

typedef struct {
    void *buf;
    size_t len;
    int typecode;
} mp_buffer_info_t;

enum { MP_BUFFER_READ = 1, MP_BUFFER_WRITE = 2, MP_BUFFER_RW = 3 };

extern const mp_obj_type_t mp_type_ValueError, mp_type_dict, mp_type_fun, mp_type_module;
extern const mp_obj_base_t mp_const_none_obj;
#define mp_const_none ((mp_obj_t)(uintptr_t)&mp_const_none_obj)

#define MP_ERROR_TEXT(text) (text)
#define MP_ROM_INT(number) ((mp_rom_obj_t)(uintptr_t)((uintptr_t)(number) << 1 | 1u))
#define MP_ROM_QSTR(qstr) ((mp_rom_obj_t)(uintptr_t)((uintptr_t)(qstr) << 1 | 1u))
#define MP_ROM_PTR(pointer) (pointer)
#define MP_DEFINE_CONST_FUN_OBJ_1(name, function) const mp_obj_fun_t name = {{&mp_type_fun}, function, NULL}
#define MP_DEFINE_CONST_FUN_OBJ_3(name, function) const mp_obj_fun_t name = {{&mp_type_fun}, NULL, function}
#define MP_DEFINE_CONST_DICT(name, elements) \
    const mp_obj_dict_t name = {{&mp_type_dict}, sizeof(elements) / sizeof(elements)[0], elements}
#define MP_REGISTER_MODULE(name, object) extern const mp_obj_module_t object

void mp_get_buffer_raise(mp_obj_t object, mp_buffer_info_t *found, unsigned flags);
_Noreturn void mp_raise_msg_varg(const mp_obj_type_t *type, mp_rom_error_text_t text, ...);

#endif
