/* tg_link.c - see tg_link.h and docs/serial.md.
 *
 * A frame is '~', base64 without padding, '\n'; in it: type, session and sequence number (16 bits each), payload, CRC-32.
 * All numbers are little-endian. A request is executed once: the same sequence number again is answered again.
 */
#include "tg_link.h"

#include "tg_cycles.h"
#include "tg_layers.h"

enum { HELLO = 1, INFO = 2, INPUT = 3, INVOKE = 4, OUTPUT = 5, LAYERS = 6, RESET = 7, ANSWER = 0x80 };
enum { OK = 0, NO_SESSION = 1, BAD_REQUEST = 2, NOT_READY = 3, OTHER_INPUT = 4, INVOKE_FAILED = 5 };
enum { READY = 1, SIMULATED = 2, TIMED_LAYERS = 4, TESTED = 8, TEST_PASSED = 16 };
enum { VERSION = 1, HEAD = 5, TAIL = 4, NAME_BYTES = 64, ANSWER_BYTES = 192 };
enum { OUTSIDE = 0, INSIDE = 1, SKIPPING = 2 };

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static struct {
    const tg_app_model *model;
    uint8_t ready;
    uint8_t busy;
    uint8_t test; /* TESTED, TEST_PASSED */
    uint8_t where;
    uint8_t bits;  /* held of `word` */
    uint16_t have; /* bytes of `frame` */
    uint16_t session;
    uint16_t sequence;    /* of the last request that was executed */
    uint32_t request_crc; /* its CRC-32 */
    uint32_t word;
    uint32_t asked; /* when the last request came, in microseconds */
    uint8_t frame[TG_LINK_FRAME / 4 * 3];
    /* what the last request came to */
    uint8_t status;
    uint8_t model_status;
    uint32_t ticks;
    uint32_t output_crc;
    uint32_t invocations; /* of this session */
} state;

/* The answer on its way: base64 goes out as it comes in. */
static struct {
    uint32_t crc;
    uint32_t word;
    uint8_t bits;
    uint8_t fill;
    char text[48];
} out;

/* zlib's CRC-32, one byte on from `crc`, which starts as all ones and is inverted at the end. */
static uint32_t crc_more(uint32_t crc, uint8_t byte) {
    crc ^= byte;
    for (int bit = 0; bit < 8; bit++) {
        crc = (crc >> 1) ^ ((crc & 1u) != 0 ? 0xEDB88320u : 0u);
    }
    return crc;
}

static uint32_t crc_of(uint32_t crc, const void *data, uint32_t bytes) {
    const uint8_t *at = (const uint8_t *)data;
    for (uint32_t i = 0; i < bytes; i++) {
        crc = crc_more(crc, at[i]);
    }
    return crc;
}

static uint32_t crc_of_tensors(const tg_tensor_info *tensors, uint32_t count) {
    uint32_t crc = 0xFFFFFFFFu;
    for (uint32_t i = 0; i < count; i++) {
        crc = crc_of(crc, tensors[i].data, tensors[i].bytes);
    }
    return ~crc;
}

static uint32_t bytes_of_tensors(const tg_tensor_info *tensors, uint32_t count) {
    uint32_t bytes = 0;
    for (uint32_t i = 0; i < count; i++) {
        bytes += tensors[i].bytes;
    }
    return bytes;
}

/* Byte `position` of tensors in a row; the caller has checked that it is there. */
static uint8_t *byte_at(const tg_tensor_info *tensors, uint32_t position) {
    while (position >= tensors->bytes) {
        position -= tensors->bytes;
        tensors++;
    }
    return (uint8_t *)tensors->data + position;
}

static uint32_t get(const uint8_t *at, uint32_t bytes) {
    uint32_t value = 0;
    while (bytes-- > 0) {
        value = value << 8 | at[bytes];
    }
    return value;
}

static void put_char(char c) {
    out.text[out.fill++] = c;
    if (out.fill == sizeof out.text) {
        tg_port_write(out.text, out.fill);
        out.fill = 0;
    }
}

static void put_byte(uint8_t byte) {
    out.crc = crc_more(out.crc, byte);
    out.word = (out.word << 8 | byte) & 0xFFFFu;
    for (out.bits = (uint8_t)(out.bits + 8u); out.bits >= 6u;) {
        out.bits = (uint8_t)(out.bits - 6u);
        put_char(alphabet[(out.word >> out.bits) & 63u]);
    }
}

static void put(uint32_t value, uint32_t bytes) {
    for (; bytes > 0; bytes--) {
        put_byte((uint8_t)value);
        value >>= 8;
    }
}

static void put_text(const char *text) {
    for (uint32_t i = 0; i < NAME_BYTES && text[i] != '\0'; i++) {
        put_byte((uint8_t)text[i]);
    }
}

static void begin_answer(uint8_t type, uint32_t session, uint32_t sequence, uint8_t status) {
    out.crc = 0xFFFFFFFFu;
    out.bits = 0;
    out.fill = 0;
    put_char('~');
    put(ANSWER | type, 1);
    put(session, 2);
    put(sequence, 2);
    put(status, 1);
}

static void end_answer(void) {
    put(~out.crc, 4);
    if (out.bits != 0) {
        put_char(alphabet[(out.word << (6u - out.bits)) & 63u]);
    }
    put_char('\n');
    if (out.fill != 0) {
        tg_port_write(out.text, out.fill);
    }
}

static uint8_t hex_digit(char c) { return (uint8_t)(c >= 'a' ? c - 'a' + 10 : c - '0'); }

static void put_hello(const tg_model_info *info) {
    const char *digits = info->sha256;
    put(VERSION, 1);
    put((state.ready ? READY : 0u) | (TG_LINK_SIMULATED ? SIMULATED : 0u) |
            (tg_layers_count() != 0 ? TIMED_LAYERS : 0u) | state.test,
        1);
    put(TG_LINK_FRAME, 2);
    put(ANSWER_BYTES, 2);
    put(tg_cycles_are_cycles() ? 0u : 1000000u, 4);
    put(bytes_of_tensors(info->inputs, info->input_count), 4);
    put(bytes_of_tensors(info->outputs, info->output_count), 4);
    put(info->layer_count, 2);
    put(info->input_count, 1);
    put(info->output_count, 1);
    for (uint32_t i = 0; i < 64u && digits[i] != '\0' && digits[i + 1u] != '\0'; i += 2u) {
        put((uint32_t)hex_digit(digits[i]) << 4 | hex_digit(digits[i + 1u]), 1);
    }
}

/* Payload: kind (0 text, 1 input, 2 output), index. */
static uint8_t info_status(const tg_model_info *info, const uint8_t *payload) {
    const uint32_t count[3] = {3u, info->input_count, info->output_count};
    return payload[0] < 3u && payload[1] < count[payload[0]] ? OK : BAD_REQUEST;
}

static void put_info(const tg_model_info *info, const uint8_t *payload) {
    const char *const texts[3] = {info->name, info->version, info->tinygen};
    const tg_tensor_info *tensor;
    if (payload[0] == 0) {
        put_text(texts[payload[1]]);
        return;
    }
    tensor = (payload[0] == 1u ? info->inputs : info->outputs) + payload[1];
    put(tensor->type, 1);
    put(tensor->rank, 1);
    put(tensor->bytes, 4);
    for (uint32_t i = 0; i < tensor->rank; i++) {
        put((uint32_t)tensor->shape[i], 4);
    }
    put_text(tensor->name);
}

static uint8_t take_input(const tg_model_info *info, const uint8_t *payload, uint32_t bytes) {
    const uint32_t total = bytes_of_tensors(info->inputs, info->input_count);
    const uint32_t offset = get(payload, 4);
    bytes -= 4u;
    if (offset > total || bytes > total - offset) {
        return BAD_REQUEST;
    }
    for (uint32_t i = 0; i < bytes; i++) {
        *byte_at(info->inputs, offset + i) = payload[4u + i];
    }
    return OK;
}

static uint8_t invoke(const tg_model_info *info, const uint8_t *payload) {
    uint32_t before;
    if (crc_of_tensors(info->inputs, info->input_count) != get(payload + 4, 4)) {
        return OTHER_INPUT;
    }
    tg_layers_begin();
    before = tg_cycles_read();
    state.model_status = (uint8_t)state.model->invoke();
    state.ticks = tg_cycles_read() - before;
    state.invocations++;
    state.output_crc = crc_of_tensors(info->outputs, info->output_count);
    return state.model_status == TG_OK ? OK : INVOKE_FAILED;
}

/* Whether an answer of `count` items from `first` on, of `size` bytes each, is one that can be given. */
static uint8_t part_status(uint32_t first, uint32_t count, uint32_t total, uint32_t size) {
    return first <= total && count <= total - first && count <= ANSWER_BYTES / size ? OK : BAD_REQUEST;
}

static uint8_t execute(const tg_model_info *info, uint8_t type, const uint8_t *payload, uint32_t bytes) {
    if (type == INFO) {
        return bytes == 2u ? info_status(info, payload) : BAD_REQUEST;
    }
    if (!state.ready) {
        return NOT_READY;
    }
    switch (type) {
    case INPUT:
        return bytes >= 4u ? take_input(info, payload, bytes) : BAD_REQUEST;
    case INVOKE:
        return bytes == 8u ? invoke(info, payload) : BAD_REQUEST;
    case OUTPUT:
        return bytes == 6u ? part_status(get(payload, 4), get(payload + 4, 2),
                                         bytes_of_tensors(info->outputs, info->output_count), 1)
                           : BAD_REQUEST;
    case LAYERS:
        return bytes == 3u ? part_status(get(payload, 2), payload[2], info->layer_count, 4) : BAD_REQUEST;
    case RESET:
        tg_app_restart();
        return OK;
    default:
        return BAD_REQUEST;
    }
}

/* What follows the status in an answer; INVOKE's is kept, the others are read again. */
static void put_result(const tg_model_info *info, uint8_t type, const uint8_t *payload) {
    if (type == INVOKE && (state.status == OK || state.status == INVOKE_FAILED)) {
        put(state.model_status, 1);
        put(get(payload, 4), 4);
        put(state.ticks, 4);
        put(state.output_crc, 4);
        put(state.invocations, 4);
    }
    if (state.status != OK) {
        return;
    }
    if (type == INFO) {
        put_info(info, payload);
    } else if (type == OUTPUT) {
        for (uint32_t i = 0; i < get(payload + 4, 2); i++) {
            put(*byte_at(info->outputs, get(payload, 4) + i), 1);
        }
    } else if (type == LAYERS && tg_layers_count() != 0) { /* otherwise the answer is empty */
        for (uint32_t i = 0; i < payload[2]; i++) {
            put(tg_layers_took(get(payload, 2) + i), 4);
        }
    }
}

static void keep_busy(void) {
    state.busy = 1;
    state.asked = tg_port_micros();
}

/* Payload: the host's version. The session is the host's choice; a device that was reset has none. */
static void hello(uint16_t session, uint16_t sequence, uint32_t bytes) {
    const uint8_t bad = bytes < 1u || sequence != 0 || session == 0;
    if (!bad && session == state.session && state.sequence != 0) {
        return; /* an old one, late */
    }
    keep_busy();
    begin_answer(HELLO, session, sequence, bad ? BAD_REQUEST : OK);
    if (!bad) {
        if (session != state.session) {
            state.session = session;
            state.sequence = 0;
            state.invocations = 0;
        }
        put_hello(state.model->info());
    }
    end_answer();
}

/* A whole frame with the right CRC. */
static void handle(uint32_t crc) {
    const uint8_t type = state.frame[0];
    const uint16_t session = (uint16_t)get(state.frame + 1, 2);
    const uint16_t sequence = (uint16_t)get(state.frame + 3, 2);
    const uint8_t *payload = state.frame + HEAD;
    const uint32_t bytes = (uint32_t)state.have - HEAD - TAIL;
    const uint16_t next = (uint16_t)(state.sequence == 0xFFFFu ? 1u : state.sequence + 1u);
    if ((type & ANSWER) != 0) {
        return; /* an echo */
    }
    if (type == HELLO) {
        hello(session, sequence, bytes);
        return;
    }
    if (state.session == 0 || session != state.session) {
        begin_answer(type, session, sequence, NO_SESSION);
        end_answer();
        return;
    }
    keep_busy();
    if (sequence == next) {
        state.sequence = sequence;
        state.request_crc = crc;
        state.status = execute(state.model->info(), type, payload, bytes);
    } else if (sequence != state.sequence || sequence == 0 || crc != state.request_crc) {
        return; /* an old one, late */
    }
    begin_answer(type, session, sequence, state.status);
    put_result(state.model->info(), type, payload);
    end_answer();
}

static void end_of_frame(void) {
    const uint32_t body = state.have < HEAD + TAIL ? 0u : (uint32_t)state.have - TAIL;
    uint32_t crc;
    if (state.model == NULL || body == 0) {
        return;
    }
    crc = ~crc_of(0xFFFFFFFFu, state.frame, body);
    if (crc == get(state.frame + body, TAIL)) {
        handle(crc);
    }
}

static int value_of(int c) {
    if (c >= 'A' && c <= 'Z') {
        return c - 'A';
    }
    if (c >= 'a' && c <= 'z') {
        return c - 'a' + 26;
    }
    if (c >= '0' && c <= '9') {
        return c - '0' + 52;
    }
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* One character of base64; a frame that is too long, or holds another character, is skipped to the end of its line. */
static void take_digit(int c) {
    const int value = value_of(c);
    if (value < 0 || (state.bits >= 2u && state.have == sizeof state.frame)) {
        state.where = SKIPPING;
        return;
    }
    state.word = (state.word << 6 | (uint32_t)value) & 0xFFFu;
    state.bits = (uint8_t)(state.bits + 6u);
    if (state.bits >= 8u) {
        state.bits = (uint8_t)(state.bits - 8u);
        state.frame[state.have++] = (uint8_t)(state.word >> state.bits);
    }
}

int tg_link_take(int c) {
    if (c == '~') {
        state.where = INSIDE;
        state.have = 0;
        state.bits = 0;
        return 1;
    }
    if (state.where == OUTSIDE) {
        return 0;
    }
    if (c == '\n') {
        const int whole = state.where == INSIDE;
        state.where = OUTSIDE;
        if (whole) {
            end_of_frame();
        }
    } else if (state.where == INSIDE && c != '\r') {
        take_digit(c);
    }
    return 1;
}

void tg_link_start(const tg_app_model *model, int ready) {
    const tg_model_info *info = model->info();
    state.model = model;
    state.ready = (uint8_t)(ready != 0 && info->input_count != 0 && info->output_count != 0);
    state.where = OUTSIDE;
    state.session = 0;
    state.sequence = 0;
}

int tg_link_busy(void) {
    if (state.busy && tg_port_micros() - state.asked > TG_LINK_PAUSE) {
        state.busy = 0;
    }
    return state.busy;
}

/* The session is lost, as by a reset: the model's state is not the host's any more. */
void tg_link_interrupt(void) {
    if (state.session != 0) {
        state.session = 0;
        tg_app_restart();
    }
}

void tg_link_self_test(int passed) { state.test = (uint8_t)(passed ? TESTED | TEST_PASSED : TESTED); }
