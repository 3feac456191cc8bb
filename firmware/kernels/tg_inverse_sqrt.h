/* tg_inverse_sqrt.h - reciprocals of square roots in fixed point, as TensorFlow Lite Micro computes them. */
#ifndef TG_INVERSE_SQRT_H
#define TG_INVERSE_SQRT_H

#include "tg_kernel.h"

/* 1 / sqrt(x) = result * 2^(*shift - 31), five Newton-Raphson steps in Q3.28; 0 counts as 1. */
static inline int32_t tg_inverse_sqrt(int32_t x, int32_t *shift) {
    *shift = 0;
    if (x <= 1) {
        return INT32_MAX;
    }
    int32_t right = 11;
    while (x >= 1 << 29) {
        x /= 4;
        right++;
    }
    while (x < 1 << 27) {
        x *= 4;
        right--;
    }
    const int32_t half = tg_divide_by_pot(x >> 1, 1);
    int32_t root = 1 << 28;
    for (int step = 0; step < 5; step++) {
        const int32_t cube = tg_high_mul(tg_high_mul(root, root), root) * 64;
        root = (tg_high_mul((1 << 28) + (1 << 27), root) - tg_high_mul(half, cube)) * 8;
    }
    root = tg_high_mul(root, 1518500250);
    if (right < 0) {
        return root * (1 << -right);
    }
    *shift = -right;
    return root;
}

#endif
