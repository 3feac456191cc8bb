/* fuzz_link.c - feeds the link what a line may bring, under the sanitizers: random characters, frames with a right CRC and a
 * wrong content, whole sessions with parts changed. Prints how often the model ran and how many answers went out. */
#include <stdio.h>
#include <stdlib.h>

#include "tg_cycles.h"
#include "tg_layers.h"
#include "tg_link.h"

static uint32_t seed;
static uint32_t answers;
static uint32_t runs;
static uint8_t input_a[7];
static int16_t input_b[5];
static uint8_t output_a[300];
static int8_t output_b[1];
static const int32_t shape[3] = {1, 2, 3};
static const tg_tensor_info inputs[2] = {{"a", input_a, 7, TG_UINT8, 1, shape, 1, 0}, {"b", input_b, 10, TG_INT16, 3, shape, 1, 0}};
static const tg_tensor_info outputs[2] = {{"c", output_a, 300, TG_UINT8, 2, shape, 1, 0}, {"", output_b, 1, TG_INT8, 0, shape, 1, 0}};
static tg_model_info about = {"fuzz", "1", "00ff", "0", inputs, outputs, NULL, 64, 0, 5, 2, 2};

static const tg_model_info *info(void) { return &about; }
static tg_status invoke(void) {
    runs++;
    output_a[runs % 300u] = (uint8_t)runs;
    return runs % 5u == 0 ? TG_ERROR : TG_OK;
}
static void reset(void) {}
static uint32_t timed; /* layers */

void tg_app_restart(void) {}
uint32_t tg_cycles_read(void) { return 0; }
int tg_cycles_are_cycles(void) { return 1; }
void tg_layers_begin(void) {}
uint32_t tg_layers_count(void) { return timed; }
uint32_t tg_layers_took(uint32_t index) {
    if (index >= 5u) {
        abort();
    }
    return index;
}

int tg_port_read(void) { return -1; }
void tg_port_write(const char *text, uint32_t bytes) {
    for (uint32_t i = 0; i < bytes; i++) {
        answers += text[i] == '\n';
    }
}
uint32_t tg_port_micros(void) { return 0; }

static uint32_t draw(uint32_t below) {
    seed = seed * 1664525u + 1013904223u;
    return (seed >> 8) % below;
}

static uint32_t crc_of(const uint8_t *data, uint32_t bytes) {
    uint32_t crc = 0xFFFFFFFFu;
    for (uint32_t i = 0; i < bytes; i++) {
        crc ^= data[i];
        for (int bit = 0; bit < 8; bit++) {
            crc = (crc >> 1) ^ ((crc & 1u) != 0 ? 0xEDB88320u : 0u);
        }
    }
    return ~crc;
}

static void send(const uint8_t *raw, uint32_t bytes, uint32_t damage) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    uint32_t word = 0;
    uint32_t bits = 0;
    (void)tg_link_take('~');
    for (uint32_t i = 0; i < bytes; i++) {
        word = (word << 8 | raw[i]) & 0xFFFFFFu;
        for (bits += 8; bits >= 6;) {
            bits -= 6;
            (void)tg_link_take(damage != 0 && draw(damage) == 0 ? (int)draw(256) : digits[(word >> bits) & 63u]);
        }
    }
    if (bits != 0) {
        (void)tg_link_take(digits[(word << (6u - bits)) & 63u]);
    }
    (void)tg_link_take(draw(20) == 0 ? ' ' : '\n');
}

/* A frame of any type and length, its CRC right; numbers near the edges are the most frequent. */
static void frame(uint16_t session, uint16_t sequence) {
    static const uint8_t edges[8] = {0, 1, 2, 7, 17, 0x7f, 0xfe, 0xff};
    uint8_t raw[300];
    const uint32_t body = 5u + (draw(4) != 0 ? draw(12) : draw(290));
    for (uint32_t i = 0; i < body; i++) {
        raw[i] = draw(3) != 0 ? edges[draw(8)] : (uint8_t)draw(256);
    }
    raw[0] = (uint8_t)(draw(10) != 0 ? draw(9) : draw(256));
    raw[1] = (uint8_t)session;
    raw[2] = (uint8_t)(session >> 8);
    raw[3] = (uint8_t)sequence;
    raw[4] = (uint8_t)(sequence >> 8);
    if (raw[0] == 4 && draw(2) != 0 && body >= 13u) { /* INVOKE of what is there */
        uint8_t all[17];
        uint32_t crc;
        memcpy(all, input_a, 7);
        memcpy(all + 7, input_b, 10);
        crc = crc_of(all, 17);
        for (uint32_t i = 0; i < 4u; i++) {
            raw[9u + i] = (uint8_t)(crc >> (8u * i));
        }
    }
    {
        const uint32_t length = raw[0] == 4 && body >= 13u ? 13u : body;
        const uint32_t crc = crc_of(raw, length);
        for (uint32_t i = 0; i < 4u; i++) {
            raw[length + i] = (uint8_t)(crc >> (8u * i));
        }
        send(raw, length + 4u, draw(8) == 0 ? 30u : 0u);
    }
}

int main(int argc, char **argv) {
    static const tg_app_model model = {.info = info, .invoke = invoke, .reset = reset};
    uint16_t sequence = 0;
    uint16_t session = 0;
    seed = (uint32_t)(argc > 1 ? atoi(argv[1]) : 1);
    (void)tg_link_take('~');
    (void)tg_link_take('\n'); /* before there is a model */
    timed = draw(2) != 0 ? 5u : 0u;
    tg_link_start(&model, draw(10) != 0);
    for (uint32_t i = 0; i < 20000; i++) {
        if (draw(3) == 0) {
            (void)tg_link_take((int)draw(256));
        } else if (draw(200) == 0) {
            tg_link_start(&model, 1);
        } else if (draw(40) == 0) { /* a session begins, as it should */
            uint8_t raw[10] = {1, 0, 0, 0, 0, 1};
            session = (uint16_t)draw(65536);
            sequence = 0;
            raw[1] = (uint8_t)session;
            raw[2] = (uint8_t)(session >> 8);
            for (uint32_t b = 0; b < 4u; b++) {
                raw[6u + b] = (uint8_t)(crc_of(raw, 6) >> (8u * b));
            }
            (void)tg_link_take('\n');
            send(raw, 10, 0);
        } else {
            const uint32_t before = answers;
            const uint32_t next = draw(50) == 0 ? draw(65536) : draw(4) != 0 ? sequence + 1u : sequence;
            frame((uint16_t)(draw(20) != 0 ? session : draw(65536)), (uint16_t)next);
            sequence = answers != before ? (uint16_t)next : sequence;
        }
    }
    printf("%u %u\n", (unsigned)runs, (unsigned)answers);
    return 0;
}
