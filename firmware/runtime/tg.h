/* tg.h - the runtime that every rendered model shares: status, description of a model, the hook per layer. */
#ifndef TG_H
#define TG_H

#include <stddef.h>
#include <stdint.h>

#if defined(__STDC_HOSTED__) && __STDC_HOSTED__
#include <string.h>
#else /* freestanding: the compiler still needs these four, the program brings them */
#ifdef __cplusplus
extern "C" {
#endif
void *memcpy(void *to, const void *from, size_t n);
void *memmove(void *to, const void *from, size_t n);
void *memset(void *to, int value, size_t n);
int memcmp(const void *a, const void *b, size_t n);
#ifdef __cplusplus
}
#endif
#endif

#ifdef __cplusplus
extern "C" {
#endif

typedef enum {
    TG_OK = 0,
    TG_ERROR = 1,
    TG_ERROR_OVERRUN = 2 /* of checked builds: a layer wrote outside of its buffers */
} tg_status;

/* What <model>_overrun of a checked build tells of the last invoke; -1 and NULL where every layer kept to its buffers. */
typedef struct {
    int32_t layer;    /* the index of the layer that ran */
    const char *name; /* its name */
    const void *at;   /* the first byte that it wrote and should not have */
} tg_overrun;

typedef enum {
    TG_INT8 = 0,
    TG_UINT8 = 1,
    TG_INT16 = 2,
    TG_INT32 = 3,
    TG_FLOAT32 = 4,
    TG_BOOL = 5,
    TG_INT64 = 6
} tg_type;

/* One input or output: real = scale * (q - zero_point). `data` points into the arena. */
typedef struct {
    const char *name;
    void *data;
    uint32_t bytes;
    uint8_t type; /* tg_type */
    uint8_t rank;
    const int32_t *shape;
    float scale;
    int32_t zero_point;
} tg_tensor_info;

typedef struct {
    const char *name;
    const char *version;
    const char *sha256; /* of the .tflite, 64 hexadecimal digits */
    const char *tinygen;
    const tg_tensor_info *inputs;
    const tg_tensor_info *outputs;
    const char *const *labels; /* label_count names, or NULL */
    uint32_t arena_bytes;
    uint16_t label_count;
    uint16_t layer_count;
    uint8_t input_count;
    uint8_t output_count;
} tg_model_info;

/* TG_ON_LAYER(index, data, bytes) runs after every layer with its output; define it to time or to trace. */
#if defined(TG_TRACE)
void tg_on_layer(uint32_t index, const void *data, uint32_t bytes);
#define TG_ON_LAYER(index, data, bytes) tg_on_layer((index), (data), (bytes))
#elif !defined(TG_ON_LAYER)
#define TG_ON_LAYER(index, data, bytes) ((void)0)
#endif

#if defined(__GNUC__)
#define TG_ALIGN(n) __attribute__((aligned(n)))
#else
#define TG_ALIGN(n)
#endif

#ifdef __cplusplus
}
#endif

#endif
