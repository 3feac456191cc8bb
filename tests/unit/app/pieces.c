/* pieces.c - the application's small files on their own: a request of words on standard input, what they made of it back.
 *
 * window: window stride sample_bytes block count, then the samples; back come the windows, each read in both ways.
 * smooth: n m refractory count, then labels (int32); back comes a byte an inference.
 * score: type bytes count, then outputs; back come index and value (int32). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tg_ring.h"
#include "tg_score.h"
#include "tg_smooth.h"

static uint32_t word(void) {
    uint32_t value = 0;
    if (fread(&value, sizeof value, 1, stdin) != 1) {
        exit(9);
    }
    return value;
}

static void *block(size_t bytes) { /* exactly as large, so that the sanitizer sees what goes beyond */
    void *memory = malloc(bytes);
    if (memory == NULL) {
        exit(8);
    }
    return memory;
}

static void tell_window(tg_ring *ring, size_t bytes) {
    void *copy = block(bytes);
    tg_ring_copy(ring, copy);
    fwrite(copy, 1, bytes, stdout);
    fwrite(tg_ring_line(ring), 1, bytes, stdout);
    tg_ring_copy(ring, copy);
    fwrite(copy, 1, bytes, stdout);
    free(copy);
}

static void windows(void) {
    const uint32_t window = word(), stride = word(), sample_bytes = word(), most = word(), count = word();
    const size_t bytes = (size_t)window * sample_bytes;
    void *memory = block(bytes);
    uint8_t *samples = block((size_t)most * sample_bytes);
    tg_ring ring;
    int due;
    if (!tg_ring_init(&ring, memory, window, stride, sample_bytes)) {
        exit(7);
    }
    for (uint32_t at = 0; at < count;) {
        const uint32_t n = count - at < most ? count - at : most;
        if (fread(samples, sample_bytes, n, stdin) != n) {
            exit(9);
        }
        for (uint32_t taken = 0; taken < n;) {
            if (n - taken == 1) {
                due = tg_ring_push(&ring, samples + (size_t)taken * sample_bytes);
                taken++;
            } else {
                taken += tg_ring_push_block(&ring, samples + (size_t)taken * sample_bytes, n - taken, &due);
            }
            if (due) {
                tell_window(&ring, bytes);
            }
        }
        at += n;
    }
    free(samples);
    free(memory);
}

static void smoothing(void) {
    const uint32_t n = word(), m = word(), refractory = word(), count = word();
    tg_smooth smooth;
    const int sound = tg_smooth_init(&smooth, n, m, refractory);
    putchar(sound);
    for (uint32_t i = 0; i < count; i++) {
        putchar(tg_smooth_push(&smooth, (int32_t)word()));
    }
}

static void scores(void) {
    const uint32_t type = word(), bytes = word(), count = word();
    void *data = block(bytes);
    const tg_tensor_info output = {"y", data, bytes, (uint8_t)type, 0, NULL, 0.5f, 3};
    for (uint32_t i = 0; i < count; i++) {
        if (fread(data, 1, bytes, stdin) != bytes) {
            exit(9);
        }
        const tg_score best = tg_score_best(&output);
        const float real = tg_score_real(&output, best.q);
        fwrite(&best, sizeof best, 1, stdout);
        fwrite(&real, sizeof real, 1, stdout);
    }
    free(data);
}

static int refusals(void) {
    float memory[2];
    tg_ring ring;
    tg_smooth smooth;
    int wrong = tg_ring_init(&ring, NULL, 1, 1, 4) + tg_ring_init(&ring, memory, 0, 1, 4) +
                tg_ring_init(&ring, memory, 1, 0, 4) + tg_ring_init(&ring, memory, 1, 1, 0);
    wrong += tg_ring_push(&ring, memory);
    tg_ring_copy(&ring, memory);
    wrong += tg_smooth_init(&smooth, 0, 1, 0) + tg_smooth_init(&smooth, 2, 1, 0) + tg_smooth_init(&smooth, 1, 33, 0);
    return wrong + tg_smooth_push(&smooth, 1);
}

int main(int argc, char **argv) {
    const char what = argc > 1 ? argv[1][0] : 0;
    if (what == 'w') {
        windows();
    } else if (what == 's') {
        smoothing();
    } else if (what == 'q') {
        scores();
    } else {
        return refusals();
    }
    return 0;
}
