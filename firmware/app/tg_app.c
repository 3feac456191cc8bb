/* tg_app.c - see tg_app.h. A line holds all inputs, one after the other, two digits a byte; blanks are skipped. */
#include "tg_app.h"

#include "tg_link.h"

static const tg_app_model *app;
static uint32_t digits;   /* of this line, so far */
static uint32_t expected; /* bytes of all inputs */
static char wrong;        /* the first character of this line that does not belong there */

static void put(const char *text) { tg_port_write(text, (uint32_t)strlen(text)); }

static void put_unsigned(uint32_t value) {
    char text[10];
    uint32_t at = sizeof text;
    do {
        text[--at] = (char)('0' + value % 10u);
        value /= 10u;
    } while (value != 0);
    tg_port_write(text + at, (uint32_t)sizeof text - at);
}

static void put_signed(int32_t value) {
    if (value < 0) {
        put("-");
    }
    put_unsigned(value < 0 ? 0u - (uint32_t)value : (uint32_t)value);
}

static void put_hex(uint32_t value, uint32_t digit_count) {
    while (digit_count-- > 0) {
        const char digit = "0123456789abcdef"[(value >> (4u * digit_count)) & 15u];
        tg_port_write(&digit, 1);
    }
}

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

static void put_value(const tg_tensor_info *tensor, uint32_t i) {
    int16_t half;
    uint32_t word;
    const uint8_t *bytes = (const uint8_t *)tensor->data;
    switch (tensor->type) {
    case TG_INT8:
        put_signed((int8_t)bytes[i]);
        break;
    case TG_UINT8:
    case TG_BOOL:
        put_unsigned(bytes[i]);
        break;
    case TG_INT16:
        memcpy(&half, bytes + 2u * i, sizeof half);
        put_signed(half);
        break;
    case TG_INT32:
        memcpy(&word, bytes + 4u * i, sizeof word);
        put_signed((int32_t)word);
        break;
    default: /* float32 and int64: their words in hexadecimal */
        memcpy(&word, bytes + 4u * i, sizeof word);
        put("0x");
        put_hex(word, 8);
        break;
    }
}

static uint32_t item_bytes(const tg_tensor_info *tensor) {
    switch (tensor->type) {
    case TG_INT8:
    case TG_UINT8:
    case TG_BOOL:
        return 1;
    case TG_INT16:
        return 2;
    default:
        return 4;
    }
}

/* The label of the largest value, where the labels are as many as the values and these are int8. */
static void put_label(const tg_model_info *info, const tg_tensor_info *tensor) {
    const int8_t *values = (const int8_t *)tensor->data;
    uint32_t best = 0;
    if (info->labels == NULL || tensor->type != TG_INT8 || tensor->bytes != info->label_count) {
        return;
    }
    for (uint32_t i = 1; i < tensor->bytes; i++) {
        best = values[i] > values[best] ? i : best;
    }
    put("label: ");
    put(info->labels[best]);
    put("\n");
}

static void put_outputs(const tg_model_info *info) {
    for (uint32_t o = 0; o < info->output_count; o++) {
        const tg_tensor_info *tensor = &info->outputs[o];
        put("output ");
        put_unsigned(o);
        put(":");
        for (uint32_t i = 0; i < tensor->bytes / item_bytes(tensor); i++) {
            put(" ");
            put_value(tensor, i);
        }
        put("\n");
        put_label(info, tensor);
    }
}

/* A checked build names the layer. */
static void put_failure(void) {
    put("error: invoke failed");
    if (app->overrun != NULL && app->overrun().name != NULL) {
        put(": layer ");
        put_signed(app->overrun().layer);
        put(" wrote outside of its buffers: ");
        put(app->overrun().name);
    }
    put("\n");
}

static int run(void) {
    const uint32_t before = tg_port_micros();
    if (app->invoke() != TG_OK) {
        put_failure();
        return 0;
    }
    put("invoke: ");
    put_unsigned(tg_port_micros() - before);
    put(" us\n");
    return 1;
}

/* Byte `position` of all inputs in a row. */
static uint8_t *input_byte(const tg_model_info *info, uint32_t position) {
    for (uint32_t i = 0; i < info->input_count; i++) {
        if (position < info->inputs[i].bytes) {
            return (uint8_t *)info->inputs[i].data + position;
        }
        position -= info->inputs[i].bytes;
    }
    return NULL;
}

/* Inputs of one-byte types take the ramp x[i] = ((37 i + 11) mod 256) - 128, whose outputs' CRC-32 `tinygen simulate` tells too. */
static void self_test(const tg_model_info *info) {
    uint32_t crc = 0;
    for (uint32_t i = 0; i < expected; i++) {
        *input_byte(info, i) = (uint8_t)(37u * i + 11u - 128u);
    }
    if (!run()) {
        return;
    }
    for (uint32_t o = 0; o < info->output_count; o++) {
        crc = crc32(crc, (const uint8_t *)info->outputs[o].data, info->outputs[o].bytes);
    }
    put("ramp: output crc32 ");
    put_hex(crc, 8);
    put("\n");
    app->reset();
}

static void put_arena(const tg_app_model *model, const tg_model_info *info) {
    put("arena: ");
    put_unsigned(info->arena_bytes);
    put(" bytes given");
    if (model->arena_needed != 0) {
        put(", about ");
        put_unsigned(model->arena_needed);
        put(" needed");
    }
    if (model->arena_used != NULL && model->arena_used() != 0) {
        put(", ");
        put_unsigned(model->arena_used());
        put(" used");
    }
    put("\n");
}

/* Why the model cannot run, or NULL. */
static const char *begin(const tg_app_model *model) {
    if (model->begin != NULL && model->begin() != TG_OK) {
        return "the interpreter could not be built: is the arena large enough?";
    }
    if (model->check_weights != NULL && model->check_weights() != TG_OK) {
        return "the constants in flash are not those that were rendered";
    }
    return NULL;
}

void tg_app_start(const tg_app_model *model) {
    const tg_model_info *info = model->info();
    const char *const trouble = begin(model);
    int one_byte_inputs = 1;
    expected = 0;
    digits = 0;
    wrong = 0;
    for (uint32_t i = 0; i < info->input_count; i++) {
        expected += info->inputs[i].bytes;
        one_byte_inputs &= item_bytes(&info->inputs[i]) == 1;
    }
    put("\nmodel: ");
    put(info->name);
    put(" ");
    put(info->version);
    put(", sha256 ");
    put(info->sha256);
    put(", tinygen ");
    put(info->tinygen);
    put("\n");
    put_arena(model, info);
    tg_link_start(model, trouble == NULL);
    if (trouble != NULL) {
        put("error: ");
        put(trouble);
        put("\n");
        return;
    }
    app = model;
    if (one_byte_inputs) {
        self_test(info);
    }
    put("ready: a line of ");
    put_unsigned(2u * expected);
    put(" hexadecimal digits\n");
}

static void end_of_line(const tg_model_info *info) {
    if (wrong != 0) {
        put("error: not a hexadecimal digit: 0x");
        put_hex((uint8_t)wrong, 2);
        put("\n");
    } else if (digits != 0 && digits != 2u * expected) {
        put("error: ");
        put_unsigned(digits);
        put(" digits came, ");
        put_unsigned(2u * expected);
        put(" are one input\n");
    } else if (digits != 0 && run()) {
        put_outputs(info);
    }
    digits = 0;
    wrong = 0;
}

static int hex_value(int c) {
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int tg_app_step(void) {
    int came = 0;
    for (int c = tg_port_read(); c >= 0; c = tg_port_read()) {
        came = 1;
        if (tg_link_take(c)) {
            continue;
        }
        if (app == NULL || c == ' ' || c == '\t' || c == '\r') {
            continue;
        }
        if (c == '\n') {
            end_of_line(app->info());
            continue;
        }
        const int value = hex_value(c);
        if (value < 0) {
            wrong = wrong != 0 ? wrong : (char)c;
        } else if (wrong == 0 && digits < 2u * expected) {
            uint8_t *byte = input_byte(app->info(), digits / 2u);
            *byte = (uint8_t)((digits & 1u) != 0 ? *byte << 4 | value : value);
            digits++;
        } else {
            digits += digits < UINT32_MAX;
        }
    }
    return came;
}
