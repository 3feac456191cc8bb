/* mpy_float.c - the modules' float functions over arrays, for tests beside this machine's FPU. */
#include <stddef.h>

#include "tg_mpy_float.h"

void mpy_float(int operation, const uint32_t *a, const uint32_t *b, uint32_t *y, size_t n);

void mpy_float(int operation, const uint32_t *a, const uint32_t *b, uint32_t *y, size_t n) {
    for (size_t i = 0; i < n; i++) {
        switch (operation) {
        case 0:
            y[i] = tg_f32_add(a[i], b[i]);
            break;
        case 1:
            y[i] = tg_f32_mul(a[i], b[i]);
            break;
        case 2:
            y[i] = tg_f32_div(a[i], b[i]);
            break;
        case 3:
            y[i] = (uint32_t)tg_f32_compare(a[i], b[i], 7);
            break;
        case 4:
            y[i] = tg_f32_from(a[i], b[i] & TG_F32_SIGN);
            break;
        case 5:
            y[i] = (uint32_t)tg_f32_to_i32(a[i]);
            break;
        default:
            y[i] = tg_f32_to_u32(a[i]);
            break;
        }
    }
}
