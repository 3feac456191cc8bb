/* tg_selftest.c - see tg_selftest.h. */
#include "tg_selftest.h"

#include "tg_cycles.h"
#include "tg_layers.h"
#include "tg_text.h"

/* zlib's CRC-32, continued from `crc`. */
static uint32_t crc32(uint32_t crc, const uint8_t *data, uint32_t bytes) {
    crc = ~crc;
    for (uint32_t i = 0; i < bytes; i++) {
        crc ^= data[i];
        for (int bit = 0; bit < 8; bit++) {
            crc = (crc >> 1) ^ ((crc & 1u) != 0 ? 0xEDB88320u : 0u);
        }
    }
    return ~crc;
}

static uint32_t ramp_item_bytes(uint8_t type) {
    return type == TG_INT16 ? 2u : type == TG_INT32 || type == TG_FLOAT32 ? 4u : type == TG_INT64 ? 8u : 1u;
}

/* v / 128 as a float's bits: without this, a core that has no FPU would link its arithmetic for the ramp alone. */
static uint32_t float_bits(int32_t v) {
    const uint32_t size = v < 0 ? (uint32_t)-v : (uint32_t)v;
    uint32_t top = 7;
    while (top > 0 && size >> top == 0) {
        top--;
    }
    return size == 0 ? 0u : (v < 0 ? 1u << 31 : 0u) | (120u + top) << 23 | (size << (23u - top) & 0x7fffffu);
}

static void put_ramp(uint8_t *to, uint8_t type, int32_t v) {
    const int16_t half = (int16_t)(256 * v);
    const int64_t wide = v;
    const uint32_t real = float_bits(v);
    switch (type) {
    case TG_BOOL:
        *to = (uint8_t)((uint32_t)v & 1u);
        break;
    case TG_INT16:
        memcpy(to, &half, sizeof half);
        break;
    case TG_INT32:
        memcpy(to, &v, sizeof v);
        break;
    case TG_INT64:
        memcpy(to, &wide, sizeof wide);
        break;
    case TG_FLOAT32:
        memcpy(to, &real, sizeof real);
        break;
    default:
        *to = (uint8_t)v;
        break;
    }
}

/* Fills the inputs from a vector, or with the ramp. */
static void fill(const tg_model_info *info, const uint8_t *from) {
    uint32_t i = 0;
    for (uint32_t t = 0; t < info->input_count; t++) {
        const tg_tensor_info *tensor = &info->inputs[t];
        const uint32_t item = ramp_item_bytes(tensor->type);
        if (from != NULL) {
            memcpy(tensor->data, from, tensor->bytes);
            from += tensor->bytes;
            continue;
        }
        for (uint32_t at = 0; at + item <= tensor->bytes; at += item) {
            put_ramp((uint8_t *)tensor->data + at, tensor->type, (int32_t)((37u * i + 11u) & 255u) - 128);
            i++;
        }
    }
}

static uint32_t outputs_crc32(const tg_model_info *info) {
    uint32_t crc = 0;
    for (uint32_t o = 0; o < info->output_count; o++) {
        crc = crc32(crc, (const uint8_t *)info->outputs[o].data, info->outputs[o].bytes);
    }
    return crc;
}

static void put_times(const tg_app_model *model, uint32_t took) {
    tg_put("invoke: ");
    tg_put_unsigned(took);
    tg_put(" ");
    tg_put(tg_cycles_unit());
    tg_put("\n");
    for (uint32_t i = 0; model->vectors != NULL && i < tg_layers_count(); i++) {
        if (tg_layers_ran(i)) {
            tg_put("layer ");
            tg_put_unsigned(i);
            tg_put(": ");
            tg_put_unsigned(tg_layers_took(i));
            tg_put(" ");
            tg_put(tg_cycles_unit());
            tg_put("\n");
        }
    }
}

static void put_fail(uint32_t vector) {
    tg_put("self-test: FAIL vector ");
    tg_put_unsigned(vector);
}

/* Whether the outputs are those of the vector; says the first byte that is not. */
static int agrees(const tg_model_info *info, const tg_vector *vector, uint32_t index) {
    const uint8_t *want = vector->output;
    for (uint32_t o = 0; want != NULL && o < info->output_count; o++) {
        const uint8_t *got = (const uint8_t *)info->outputs[o].data;
        for (uint32_t i = 0; i < info->outputs[o].bytes; i++, want++) {
            if (got[i] != *want) {
                put_fail(index);
                tg_put(", output ");
                tg_put_unsigned(o);
                tg_put(", byte ");
                tg_put_unsigned(i);
                tg_put(": got ");
                tg_put_unsigned(got[i]);
                tg_put(", expected ");
                tg_put_unsigned(*want);
                tg_put("\n");
                return 0;
            }
        }
    }
    if (vector->output == NULL && outputs_crc32(info) != vector->crc32) {
        put_fail(index);
        tg_put(": got crc32 ");
        tg_put_hex(outputs_crc32(info), 8);
        tg_put(", expected ");
        tg_put_hex(vector->crc32, 8);
        tg_put("\n");
        return 0;
    }
    return 1;
}

int tg_selftest_vectors(const tg_app_model *model) {
    const tg_model_info *info = model->info();
    for (uint32_t v = 0; v < model->vectors->count; v++) {
        const tg_vector *vector = &model->vectors->list[v];
        uint32_t took;
        fill(info, vector->input);
        if (!tg_app_invoke(model, &took)) {
            put_fail(v);
            tg_put(": it could not be computed\n");
            return 0;
        }
        if (v == 0) {
            put_times(model, took);
        }
        if (!agrees(info, vector, v)) {
            return 0;
        }
    }
    tg_put("self-test: PASS (");
    tg_put_unsigned(model->vectors->count);
    tg_put(model->vectors->count == 1 ? " vector)\n" : " vectors)\n");
    return 1;
}

static int tell_ramp(const tg_app_model *model, const tg_model_info *info) {
    uint32_t took;
    fill(info, NULL);
    if (!tg_app_invoke(model, &took)) {
        return 0;
    }
    put_times(model, took);
    tg_put("ramp: output crc32 ");
    tg_put_hex(outputs_crc32(info), 8);
    tg_put("\n");
    return 1;
}

int tg_selftest(const tg_app_model *model) {
    const tg_model_info *info = model->info();
    model->reset();
    const int passed = model->vectors != NULL ? model->vectors->run(model) : tell_ramp(model, info);
    model->reset();
    return passed;
}
