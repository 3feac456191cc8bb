/* tg_ring.h - the last `window` samples of a stream, and when the next window is due: the first one when it is full, then
 * one every `stride` samples. A stride above the window leaves samples out between two windows.
 *
 * A sample is `sample_bytes` bytes: C channels of float or of int8. The memory is the caller's, nothing else is kept:
 *
 *     static float memory[100 * 6];
 *     static tg_ring ring;
 *     tg_ring_init(&ring, memory, 100, 20, 6 * sizeof(float));
 *     if (tg_ring_push(&ring, sample)) {
 *         gesture_quantize((const float *)tg_ring_line(&ring), gesture_input());
 *     }
 */
#ifndef TG_RING_H
#define TG_RING_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    uint8_t *memory; /* window * sample_bytes */
    uint32_t window;
    uint32_t stride;
    uint32_t sample_bytes;
    uint32_t at;      /* the place of the next sample, which is the oldest one's */
    uint32_t missing; /* samples until the next window is due */
} tg_ring;

/* `memory` holds window * sample_bytes, which stays below 2^32. Returns 0 and leaves an unusable ring where a number is 0. */
int tg_ring_init(tg_ring *ring, void *memory, uint32_t window, uint32_t stride, uint32_t sample_bytes);

/* Forgets all samples: the next window is due when it is full again. */
void tg_ring_clear(tg_ring *ring);

/* Takes one sample; returns 1 when a window is due, to be read before the next push. */
int tg_ring_push(tg_ring *ring, const void *sample);

/* Takes samples up to the one that makes a window due. Returns how many it took; *due tells whether one is. */
uint32_t tg_ring_push_block(tg_ring *ring, const void *samples, uint32_t count, int *due);

/* The window, oldest sample first: copied, or in place (which turns the memory round; the ring goes on as before). */
void tg_ring_copy(const tg_ring *ring, void *to);
const void *tg_ring_line(tg_ring *ring);

#ifdef __cplusplus
}
#endif

#endif
