/* harness.c - runs a model as the request says and writes what came out; the same on every simulated machine.
 *
 * Request:  'TGRQ', clock kind, clock address, whether to protect memory, then commands, each a 32-bit word; INPUT is followed by the inputs' bytes.
 * Response: records of tag, bytes and payload. All words are little-endian.
 */
#include "tg_sim.h"

#include "tg_sim_model.h"

enum { END = 0, RESET = 1, INPUT = 2, INVOKE = 3, COUNT = 4, OUTPUT = 5, TRACE = 6, TRACE_DATA = 7, CHECK = 8 };
enum { MAGIC = 0x51524754, SPIN_ROUNDS = 5000 };

static int request;
static int response;

static void record(uint32_t tag, const void *payload, uint32_t bytes, const void *more, uint32_t more_bytes) {
    uint32_t head[2];
    head[0] = tag;
    head[1] = bytes + more_bytes;
    tg_write(response, head, (uint32_t)sizeof head);
    if (bytes != 0) {
        tg_write(response, payload, bytes);
    }
    if (more_bytes != 0) {
        tg_write(response, more, more_bytes);
    }
}

void tg_report_fault(uint32_t cause, uint32_t pc, uint32_t lr, uint32_t address, uint32_t status) {
    const uint32_t words[5] = {cause, pc, lr, address, status};
    record('F', words, (uint32_t)sizeof words, NULL, 0);
}

static void split(uint64_t value, uint32_t *words) {
    words[0] = (uint32_t)value;
    words[1] = (uint32_t)(value >> 32);
}

/* The same instructions around every call: the difference of two calls is the difference of what they call. */
static uint64_t __attribute__((noinline)) timed(tg_call call, tg_status *status) {
    const uint64_t before = tg_clock();
    *status = tg_enter(call);
    return tg_clock_between(before, tg_clock());
}

static tg_status count(void) {
    uint32_t words[6];
    uint64_t before;
    tg_status status;
    before = tg_clock();
    (void)tg_spin(SPIN_ROUNDS);
    split(tg_clock_between(before, tg_clock()), words);
    split(timed(tg_one_instruction, &status), words + 2);
    split(timed(TG_MODEL(invoke), &status), words + 4);
    record('C', words, (uint32_t)sizeof words, NULL, 0);
    return status;
}

#if defined(TG_TRACE)
static uint32_t tracing;
static uint64_t last;
static uint64_t gap;

void __attribute__((noinline)) tg_on_layer(uint32_t index, const void *data, uint32_t bytes) {
    const uint64_t now = tg_clock();
    gap = tg_clock_between(last, now);
    if (tracing != END) {
        uint32_t words[3];
        words[0] = index;
        split(gap, words + 1);
        record('L', words, (uint32_t)sizeof words, data, tracing == TRACE_DATA ? bytes : 0);
    }
    last = tg_clock();
}

static tg_status trace(uint32_t how) {
    void (*volatile hook)(uint32_t, const void *, uint32_t) = tg_on_layer;
    uint32_t words[2];
    tg_status status;
    hook(0, words, 0);
    hook(0, words, 0); /* from the end of one hook to the start of the next: what the hook itself costs */
    split(gap, words);
    record('H', words, (uint32_t)sizeof words, NULL, 0);
    last = tg_clock();
    tracing = how;
    status = tg_enter(TG_MODEL(invoke));
    tracing = END;
    return status;
}
#endif

static tg_status invoke(void) {
    uint32_t used;
    tg_status status;
    tg_paint();
    status = tg_enter(TG_MODEL(invoke));
    used = tg_stack_used();
    record('K', &used, (uint32_t)sizeof used, NULL, 0);
    return status;
}

static int transfer(uint32_t command) {
    const tg_model_info *info = TG_MODEL(info)();
    uint32_t bytes = 0;
    uint32_t i;
    if (command == INPUT) {
        for (i = 0; i < info->input_count; i++) {
            if (tg_read(request, info->inputs[i].data, info->inputs[i].bytes) != info->inputs[i].bytes) {
                return 1;
            }
        }
        return 0;
    }
    for (i = 0; i < info->output_count; i++) {
        bytes += info->outputs[i].bytes;
    }
    {
        uint32_t head[2];
        head[0] = 'O';
        head[1] = bytes;
        tg_write(response, head, (uint32_t)sizeof head);
    }
    for (i = 0; i < info->output_count; i++) {
        tg_write(response, info->outputs[i].data, info->outputs[i].bytes);
    }
    return 0;
}

static int perform(uint32_t command) {
    tg_status status = TG_OK;
    switch (command) {
    case RESET:
        TG_MODEL(reset)();
        break;
    case INPUT:
    case OUTPUT:
        return transfer(command);
    case INVOKE:
        status = invoke();
        break;
    case COUNT:
        status = count();
        break;
#if defined(TG_TRACE)
    case TRACE:
    case TRACE_DATA:
        status = trace(command);
        break;
#endif
#if defined(TG_SIM_CHECK)
    case CHECK: { /* in builds that ask for it: the check is code that others do not pay for */
        const uint32_t words[1] = {(uint32_t)TG_MODEL(check_weights)()};
        record('W', words, (uint32_t)sizeof words, NULL, 0);
        break;
    }
#endif
    default:
        return 1;
    }
    if (status != TG_OK) {
#if defined(TG_MODEL_CHECKED)
        const uint32_t words[2] = {(uint32_t)status, (uint32_t)TG_MODEL(overrun)().layer};
#else
        const uint32_t words[1] = {(uint32_t)status};
#endif
        record('S', words, (uint32_t)sizeof words, NULL, 0);
    }
    return 0;
}

int tg_harness(void) {
    uint32_t words[4];
    uint32_t command;
    request = tg_open("request.bin", 0);
    response = tg_open("response.bin", 1);
    if (request < 0 || response < 0 || tg_read(request, words, (uint32_t)sizeof words) != sizeof words) {
        return 2;
    }
    if (words[0] != MAGIC) {
        return 2;
    }
    tg_clock_start(words[1], words[2]);
    if (words[3] != 0) {
        tg_protect();
    }
    for (;;) {
        if (tg_read(request, &command, (uint32_t)sizeof command) != sizeof command) {
            return 2;
        }
        if (command == END) {
            record('E', NULL, 0, NULL, 0);
            return 0;
        }
        if (perform(command) != 0) {
            return 2;
        }
    }
}
