/* runner.c - runs a rendered model over samples from standard input; the arena's gaps between buffers are poisoned. */
#include "m.h"

#include <sanitizer/asan_interface.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* {offset, bytes} of every gap between buffers of the arena, counted from the first input. */
static const int32_t gaps[][2] = {
#include "gaps.h"
};

static int exchange(const tg_tensor_info *tensors, int count, int write) {
    for (int i = 0; i < count; i++) {
        const size_t bytes = tensors[i].bytes;
        const size_t done = write ? fwrite(tensors[i].data, 1, bytes, stdout) : fread(tensors[i].data, 1, bytes, stdin);
        if (done != bytes) {
            return 0;
        }
    }
    return 1;
}

int main(void) {
    const tg_model_info *info = m_info();
    uint8_t *arena = info->inputs[0].data;
    for (size_t i = 0; i < sizeof(gaps) / sizeof(gaps[0]); i++) {
        ASAN_POISON_MEMORY_REGION(arena + gaps[i][0], (size_t)gaps[i][1]);
    }
    for (int c; (c = getchar()) != EOF;) { /* one byte announces a sample */
        for (int i = 0; i < info->output_count; i++) {
            memset(info->outputs[i].data, 0x5a, info->outputs[i].bytes);
        }
        if (!exchange(info->inputs, info->input_count, 0) || m_invoke() != TG_OK) {
            return EXIT_FAILURE;
        }
        if (!exchange(info->outputs, info->output_count, 1)) {
            return EXIT_FAILURE;
        }
    }
    return EXIT_SUCCESS;
}
