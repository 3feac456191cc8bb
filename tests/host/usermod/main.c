/* main.c - a stand-in for MicroPython's runtime: calls user modules as told on standard input, a line a call.
 *
 * MODULE run ARG ARG ARG | MODULE reset ARG | MODULE sizes. An ARG is b:HEX (a buffer that is read), w:KEY:SIZE:OFFSET (one that
 * is kept under KEY and may be written, OFFSET bytes after a multiple of 16) or i (no buffer). Every buffer has exactly
 * its own bytes, so that a sanitizer sees one touched too many. Answers the bytes of `out`, or the exception.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "py/runtime.h"

extern const mp_obj_module_t FIRST, SECOND;

const mp_obj_type_t mp_type_ValueError = {"ValueError"}, mp_type_dict = {"dict"}, mp_type_fun = {"function"},
                    mp_type_module = {"module"};
const mp_obj_base_t mp_const_none_obj = {NULL};

typedef struct {
    char key[32];
    unsigned char *block;
    unsigned char *data;
    size_t size;
    unsigned access;
} object_t;

static object_t kept[8];
static int kept_count;
static jmp_buf raised;

void mp_raise_msg_varg(const mp_obj_type_t *type, mp_rom_error_text_t text, ...) {
    va_list arguments;
    va_start(arguments, text);
    printf("%s: ", type->name);
    vprintf(text, arguments);
    printf("\n");
    va_end(arguments);
    longjmp(raised, 1);
}

void mp_get_buffer_raise(mp_obj_t object, mp_buffer_info_t *found, unsigned flags) {
    const object_t *buffer = object;
    if ((buffer->access & flags) != flags) {
        printf("TypeError: object with buffer protocol required\n");
        longjmp(raised, 1);
    }
    found->buf = buffer->data;
    found->len = buffer->size;
    found->typecode = 'B';
}

static void allocate(object_t *object, size_t size, size_t offset, unsigned access) {
    object->block = calloc(1, size + offset);
    object->data = object->block + offset;
    object->size = size;
    object->access = access;
}

static object_t *argument(char *word, object_t *fresh) {
    memset(fresh, 0, sizeof *fresh);
    if (word[0] == 'b') {
        const size_t size = strlen(word + 2) / 2;
        allocate(fresh, size, 0, MP_BUFFER_READ);
        for (size_t i = 0; i < size; i++) {
            const char digits[3] = {word[2 + 2 * i], word[3 + 2 * i], '\0'};
            fresh->data[i] = (unsigned char)strtoul(digits, NULL, 16);
        }
    } else if (word[0] == 'w') {
        char *key = word + 2;
        char *size = strchr(key, ':');
        *size = '\0';
        for (int i = 0; i < kept_count; i++) {
            if (strcmp(kept[i].key, key) == 0) {
                return &kept[i];
            }
        }
        object_t *made = &kept[kept_count++];
        snprintf(made->key, sizeof made->key, "%s", key);
        char *offset = NULL;
        const size_t bytes = strtoul(size + 1, &offset, 10);
        allocate(made, bytes, strtoul(offset + 1, NULL, 10), MP_BUFFER_RW);
        return made;
    }
    return fresh;
}

static uintptr_t member(const mp_obj_module_t *module, const char *name) {
    for (size_t i = 0; i < module->globals->used; i++) {
        if (strcmp(QSTRS[(uintptr_t)module->globals->table[i].key >> 1], name) == 0) {
            return (uintptr_t)module->globals->table[i].value;
        }
    }
    printf("AttributeError: %s\n", name);
    exit(1);
}

static void call(const mp_obj_module_t *module, const char *name, char **words) {
    object_t fresh[3];
    object_t *arguments[3] = {NULL, NULL, NULL};
    const mp_obj_fun_t *function = (const mp_obj_fun_t *)member(module, name);
    for (int i = 0; i < 3; i++) {
        arguments[i] = argument(words[i] != NULL ? words[i] : (char[]){"i"}, &fresh[i]);
    }
    if (setjmp(raised) == 0) {
        if (function->three != NULL) {
            (void)function->three(arguments[0], arguments[1], arguments[2]);
            for (size_t i = 0; i < arguments[1]->size; i++) {
                printf("%02x", arguments[1]->data[i]);
            }
        } else {
            (void)function->one(arguments[0]);
        }
        printf("\n");
    }
    for (int i = 0; i < 3; i++) {
        free(fresh[i].block);
    }
}

int main(void) {
    static char line[1 << 20];
    while (fgets(line, sizeof line, stdin) != NULL) {
        char *words[5] = {NULL, NULL, NULL, NULL, NULL};
        int count = 0;
        for (char *word = strtok(line, " \n"); word != NULL && count < 5; word = strtok(NULL, " \n")) {
            words[count++] = word;
        }
        const mp_obj_module_t *module = words[0][0] == '0' ? &FIRST : &SECOND;
        if (strcmp(words[1], "sizes") == 0) {
            printf("%s %zu %zu %zu\n", QSTRS[member(module, "__name__") >> 1],
                   (size_t)member(module, "ARENA_BYTES") >> 1, (size_t)member(module, "INPUT_BYTES") >> 1,
                   (size_t)member(module, "OUTPUT_BYTES") >> 1);
        } else {
            call(module, words[1], words + 2);
        }
    }
    for (int i = 0; i < kept_count; i++) {
        free(kept[i].block);
    }
    return 0;
}
