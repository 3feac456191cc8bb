// input.cpp - the user's side in a test, in C++: inputs of bytes out of a file, every result's outputs told.
#include <cstdio>
#include <cstdlib>

#include "tg_app.h"

extern "C" void tg_port_start(void) {}

int tg_app_read_input(const tg_model_info *info) {
    static unsigned calls;
    static std::FILE *const file = std::fopen("input", "rb");
    if (++calls % 2u == 0) {
        return 0;
    }
    for (unsigned i = 0; i < info->input_count; i++) {
        if (file == nullptr ||
            std::fread(info->inputs[i].data, 1, info->inputs[i].bytes, file) != info->inputs[i].bytes) {
            std::fflush(stdout);
            std::exit(0);
        }
    }
    return 1;
}

void tg_app_on_result(const tg_app_result *result) {
    for (unsigned o = 0; o < result->info->output_count; o++) {
        for (unsigned i = 0; i < result->info->outputs[o].bytes; i++) {
            std::printf("%02x", static_cast<const uint8_t *>(result->info->outputs[o].data)[i]);
        }
    }
    std::printf(" %d\n", static_cast<int>(result->label));
}
