/* main.c - two rendered models in one program: each runs the ramp, twice in turn, and its outputs go to `emit`. */
#include FIRST_H
#include SECOND_H

#define JOIN_(model, function) model##_##function
#define JOIN(model, function) JOIN_(model, function)

#ifdef SHARED_BYTES
uint8_t shared_arena[SHARED_BYTES] TG_ALIGN(16);
#endif

typedef void (*emit_fn)(const void *data, uint32_t bytes);

static void run(const tg_model_info *info, tg_status (*invoke)(void), emit_fn emit) {
    uint32_t n = 0;
    for (uint32_t i = 0; i < info->input_count; i++) {
        uint8_t *x = (uint8_t *)info->inputs[i].data;
        for (uint32_t k = 0; k < info->inputs[i].bytes; k++, n++) {
            x[k] = (uint8_t)(37u * n + 11u + 128u);
        }
    }
    if (invoke() != TG_OK) {
        return;
    }
    for (uint32_t i = 0; i < info->output_count; i++) {
        emit(info->outputs[i].data, info->outputs[i].bytes);
    }
}

void two_models(emit_fn emit) {
    for (int round = 0; round < 2; round++) {
        run(JOIN(FIRST, info)(), JOIN(FIRST, invoke), emit);
        run(JOIN(SECOND, info)(), JOIN(SECOND, invoke), emit);
    }
}

#if __STDC_HOSTED__
#include <stdio.h>

static void to_stdout(const void *data, uint32_t bytes) { (void)fwrite(data, 1, bytes, stdout); }

int main(void) {
    two_models(to_stdout);
    return 0;
}
#endif
