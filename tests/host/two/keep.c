/* keep.c - fills every input once, runs twice, and tells whether inputs and outputs are as after the first run. */
#include MODEL_H

#include <stdio.h>

#define JOIN_(model, function) model##_##function
#define JOIN(model, function) JOIN_(model, function)

static uint8_t before[65536];
static uint8_t first[65536];

static uint32_t save(const tg_tensor_info *tensors, uint8_t count, uint8_t *to) {
    uint32_t n = 0;
    for (uint8_t i = 0; i < count; i++) {
        memcpy(to + n, tensors[i].data, tensors[i].bytes);
        n += tensors[i].bytes;
    }
    return n;
}

static int same(const tg_tensor_info *tensors, uint8_t count, const uint8_t *as) {
    uint32_t n = 0;
    for (uint8_t i = 0; i < count; i++) {
        if (memcmp(as + n, tensors[i].data, tensors[i].bytes) != 0) {
            return 0;
        }
        n += tensors[i].bytes;
    }
    return 1;
}

int main(void) {
    const tg_model_info *info = JOIN(MODEL, info)();
    uint32_t n = 0;
    for (uint8_t i = 0; i < info->input_count; i++) {
        uint8_t *x = (uint8_t *)info->inputs[i].data;
        for (uint32_t k = 0; k < info->inputs[i].bytes; k++, n++) {
            x[k] = (uint8_t)(37u * n + 11u + 128u);
        }
    }
    (void)save(info->inputs, info->input_count, before);
    (void)JOIN(MODEL, invoke)();
    (void)save(info->outputs, info->output_count, first);
    const int kept = same(info->inputs, info->input_count, before);
    (void)JOIN(MODEL, invoke)();
    printf("inputs %s, outputs %s\n", kept ? "kept" : "changed",
           same(info->outputs, info->output_count, first) ? "repeat" : "differ");
    return 0;
}
