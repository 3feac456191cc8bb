// user.cpp - a C++17 user of a rendered model: the header stands alone, and what it declares links.
#include MODEL_H

#include <cstdio>

#define JOIN_(model, function) model##_##function
#define JOIN(model, function) JOIN_(model, function)

static_assert(JOIN(PREFIX, ARENA_BYTES) > 0 && JOIN(PREFIX, INPUT_SIZE) > 0, "sizes are constants");

int main() {
    const float x[JOIN(PREFIX, INPUT_SIZE)] = {};
    JOIN(MODEL, quantize)(x, JOIN(MODEL, input)());
    JOIN(MODEL, reset)();
    const tg_status status = JOIN(MODEL, invoke)();
    const tg_model_info *info = JOIN(MODEL, info)();
    const float y = JOIN(MODEL, dequantize)(JOIN(MODEL, output)()[0]);
    const float scale = JOIN(PREFIX, OUTPUT_SCALE);
    std::printf("%s %d %d\n", info->name, static_cast<int>(status), y > -1000.0f * scale ? 1 : 0);
    return 0;
}
