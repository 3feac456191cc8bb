/* tg_ring.c - see tg_ring.h. */
#include "tg_ring.h"

#include "tg.h"

int tg_ring_init(tg_ring *ring, void *memory, uint32_t window, uint32_t stride, uint32_t sample_bytes) {
    const int sound = memory != NULL && window != 0 && stride != 0 && sample_bytes != 0;
    ring->memory = (uint8_t *)memory;
    ring->window = sound ? window : 0;
    ring->stride = stride;
    ring->sample_bytes = sample_bytes;
    tg_ring_clear(ring);
    return sound;
}

void tg_ring_clear(tg_ring *ring) {
    ring->at = 0;
    ring->missing = ring->window;
}

int tg_ring_push(tg_ring *ring, const void *sample) {
    int due = 0;
    (void)tg_ring_push_block(ring, sample, 1, &due);
    return due;
}

uint32_t tg_ring_push_block(tg_ring *ring, const void *samples, uint32_t count, int *due) {
    const uint8_t *from = (const uint8_t *)samples;
    uint32_t taken = 0;
    *due = 0;
    while (taken < count && *due == 0 && ring->window != 0) {
        memcpy(ring->memory + (size_t)ring->at * ring->sample_bytes, from, ring->sample_bytes);
        from += ring->sample_bytes;
        taken++;
        ring->at = ring->at + 1u == ring->window ? 0u : ring->at + 1u;
        ring->missing--;
        if (ring->missing == 0) {
            ring->missing = ring->stride;
            *due = 1;
        }
    }
    return taken;
}

void tg_ring_copy(const tg_ring *ring, void *to) {
    const size_t newer = (size_t)ring->at * ring->sample_bytes;
    const size_t older = (size_t)(ring->window - ring->at) * ring->sample_bytes;
    if (ring->window != 0) {
        memcpy(to, ring->memory + newer, older);
        memcpy((uint8_t *)to + older, ring->memory, newer);
    }
}

static void reverse(uint8_t *bytes, size_t count) {
    for (size_t i = 0; i < count / 2u; i++) {
        const uint8_t kept = bytes[i];
        bytes[i] = bytes[count - 1u - i];
        bytes[count - 1u - i] = kept;
    }
}

/* Three reversals turn a row round without a second one. */
const void *tg_ring_line(tg_ring *ring) {
    const size_t newer = (size_t)ring->at * ring->sample_bytes;
    const size_t all = (size_t)ring->window * ring->sample_bytes;
    if (newer != 0) {
        reverse(ring->memory, newer);
        reverse(ring->memory + newer, all - newer);
        reverse(ring->memory, all);
        ring->at = 0;
    }
    return ring->memory;
}
