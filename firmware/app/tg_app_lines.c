/* tg_app_lines.c - what the application does where the user's program says nothing else: a line of hexadecimal digits is an
 * input, all inputs one after the other, two digits a byte, blanks skipped; results go back as lines of text. */
#include "tg_app.h"
#include "tg_cycles.h"
#include "tg_text.h"

static uint32_t digits; /* of this line, so far */
static char wrong;      /* the first character of this line that does not belong there */

static uint32_t input_bytes(const tg_model_info *info) {
    uint32_t bytes = 0;
    for (uint32_t i = 0; i < info->input_count; i++) {
        bytes += info->inputs[i].bytes;
    }
    return bytes;
}

/* Whether the line that ends here is an input. */
static int end_of_line(uint32_t expected) {
    const int whole = wrong == 0 && digits == 2u * expected;
    if (wrong != 0) {
        tg_put("error: not a hexadecimal digit: 0x");
        tg_put_hex((uint8_t)wrong, 2);
        tg_put("\n");
    } else if (digits != 0 && !whole) {
        tg_put("error: ");
        tg_put_unsigned(digits);
        tg_put(" digits came, ");
        tg_put_unsigned(2u * expected);
        tg_put(" are one input\n");
    }
    digits = 0;
    wrong = 0;
    return whole;
}

static int hex_value(int c) {
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static void take(const tg_model_info *info, uint32_t expected, int c) {
    const int value = hex_value(c);
    if (value < 0) {
        wrong = wrong != 0 ? wrong : (char)c;
    } else if (wrong == 0 && digits < 2u * expected) {
        uint8_t *byte = tg_app_input_byte(info, digits / 2u);
        *byte = (uint8_t)((digits & 1u) != 0 ? *byte << 4 | value : value);
        digits++;
    } else {
        digits += digits < UINT32_MAX;
    }
}

TG_WEAK int tg_app_read_input(const tg_model_info *info) {
    const uint32_t expected = input_bytes(info);
    for (int c = tg_app_next_byte(); c >= 0; c = tg_app_next_byte()) {
        if (c == '\n') {
            if (end_of_line(expected)) {
                return 1;
            }
        } else if (c != ' ' && c != '\t' && c != '\r') {
            take(info, expected, c);
        }
    }
    return 0;
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

static void put_value(const tg_tensor_info *tensor, uint32_t i) {
    int16_t half;
    uint32_t word;
    const uint8_t *bytes = (const uint8_t *)tensor->data;
    switch (tensor->type) {
    case TG_INT8:
        tg_put_signed((int8_t)bytes[i]);
        break;
    case TG_UINT8:
    case TG_BOOL:
        tg_put_unsigned(bytes[i]);
        break;
    case TG_INT16:
        memcpy(&half, bytes + 2u * i, sizeof half);
        tg_put_signed(half);
        break;
    case TG_INT32:
        memcpy(&word, bytes + 4u * i, sizeof word);
        tg_put_signed((int32_t)word);
        break;
    default: /* float32 and int64: their words in hexadecimal */
        memcpy(&word, bytes + 4u * i, sizeof word);
        tg_put("0x");
        tg_put_hex(word, 8);
        break;
    }
}

static void put_label(const tg_app_result *result) {
    if (result->label >= 0 && result->info->labels != NULL) {
        tg_put("label: ");
        tg_put(result->name);
        tg_put("\n");
    }
}

TG_WEAK void tg_app_on_result(const tg_app_result *result) {
    tg_put("invoke: ");
    tg_put_unsigned(result->took);
    tg_put(" ");
    tg_put(tg_cycles_unit());
    tg_put("\n");
    for (uint32_t o = 0; o < result->info->output_count; o++) {
        const tg_tensor_info *tensor = &result->info->outputs[o];
        tg_put("output ");
        tg_put_unsigned(o);
        tg_put(":");
        for (uint32_t i = 0; i < tensor->bytes / item_bytes(tensor); i++) {
            tg_put(" ");
            put_value(tensor, i);
        }
        tg_put("\n");
        if (result->output == (int32_t)o) {
            put_label(result);
        }
    }
}
