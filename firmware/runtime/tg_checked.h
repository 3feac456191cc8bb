/* tg_checked.h - the canaries of a checked build: zones around every buffer, painted before a layer, verified after it. */
#ifndef TG_CHECKED_H
#define TG_CHECKED_H

#include "tg_kernel.h"

/* A zone that no layer from `first` to `last` may write. */
typedef struct {
    uint8_t *at;
    uint16_t first;
    uint16_t last;
} tg_guard;

/* All zones of a model, each of `zone_bytes`, and where an overrun is told. */
typedef struct {
    const tg_guard *guards;
    tg_overrun *overrun;
    uint32_t count;
    uint32_t zone_bytes;
} tg_checked;

/* Neighbours differ, so that a shifted copy of a zone is seen; cleared and saturated data (0, 127, -128, -1) too. */
static inline uint8_t tg_guard_byte(uintptr_t address) {
    return (uint8_t)(0xA0u | ((address ^ (address >> 5) ^ (address >> 10)) & 0x1Fu));
}

/* Paints the zones of the buffers that come to life with the layer. Weak as kernels are: once in a program. */
TG_KERNEL void tg_guards_paint(const tg_checked *checked, uint32_t layer) {
    for (uint32_t g = 0; g < checked->count; g++) {
        volatile uint8_t *at = checked->guards[g].at;
        for (uint32_t i = 0; checked->guards[g].first == layer && i < checked->zone_bytes; i++) {
            at[i] = tg_guard_byte((uintptr_t)(at + i));
        }
    }
}

/* The first byte of a zone that is not as painted, or NULL. Volatile: what memory holds, not what a compiler infers. */
static inline const void *tg_guard_written(const tg_guard *guard, uint32_t bytes) {
    for (uint32_t i = 0; i < bytes; i++) {
        if (*(const volatile uint8_t *)(guard->at + i) != tg_guard_byte((uintptr_t)(guard->at + i))) {
            return guard->at + i;
        }
    }
    return NULL;
}

/* After a layer: TG_OK where every zone of a live buffer is as painted, else the layer is noted as the one that overran. */
TG_KERNEL tg_status tg_guards_verify(const tg_checked *checked, uint32_t layer, const char *name) {
    const void *written = NULL;
    for (uint32_t g = 0; written == NULL && g < checked->count; g++) {
        const tg_guard *guard = &checked->guards[g];
        if (guard->first <= layer && layer <= guard->last) {
            written = tg_guard_written(guard, checked->zone_bytes);
        }
    }
    checked->overrun->layer = written != NULL ? (int32_t)layer : -1;
    checked->overrun->name = written != NULL ? name : NULL;
    checked->overrun->at = written;
    return written != NULL ? TG_ERROR_OVERRUN : TG_OK;
}

#endif
