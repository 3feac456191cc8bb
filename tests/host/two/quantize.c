/* quantize.c - floats in, the model's quantized input out: one sample after the other until the input ends. */
#include MODEL_H

#include <stdio.h>

#define JOIN_(model, function) model##_##function
#define JOIN(model, function) JOIN_(model, function)

int main(void) {
    static float x[JOIN(PREFIX, INPUT_SIZE)];
    while (fread(x, sizeof x, 1, stdin) == 1) {
        JOIN(MODEL, quantize)(x, JOIN(MODEL, input)());
        (void)fwrite(JOIN(MODEL, input)(), 1, JOIN(MODEL, info)()->inputs[0].bytes, stdout);
    }
    return 0;
}
