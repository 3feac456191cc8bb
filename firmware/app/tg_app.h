/* tg_app.h - a small program around a model: an input comes, the model runs, the result goes.
 *
 * As it stands, one line of hexadecimal digits over the serial line is one input, and the outputs go back as text. A
 * program that defines tg_app_read_input, tg_app_on_result, tg_app_read_sample or tg_app_on_event, in C or C++, takes the
 * place of what is here: they are weak symbols. */
#ifndef TG_APP_H
#define TG_APP_H

#include "tg.h"
#include "tg_ring.h"
#include "tg_smooth.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What an inference gave. `output` is the one that is scored: the first that has as many values as there are labels, or the
 * first of all where there are rules and no labels. */
typedef struct {
    const tg_model_info *info; /* its outputs' data hold until the next input is filled in */
    const char *name;          /* the label's, "" where there is none */
    int32_t label;  /* the index of the largest value; -1 where it does not reach the threshold, or is no score */
    int32_t output; /* -1: no output is a score */
    int32_t q;      /* the largest value, as it stands in that output */
    float score;    /* the same, real, where there are rules, else 0: tg_score_real gives it */
    uint32_t took;  /* the inference, in the unit of tg_cycles.h */
} tg_app_result;

/* What the self-test at start computes. */
typedef struct {
    const uint8_t *input;  /* all inputs, one after the other; NULL: the ramp */
    const uint8_t *output; /* all outputs that TensorFlow Lite Micro gives; NULL: only their CRC-32 is known */
    uint32_t crc32;
} tg_vector;

/* These three are linked by who names them in such a table: an application without one has none of their code. */
struct tg_app_model;
int tg_selftest_vectors(const struct tg_app_model *model);

typedef struct {
    int (*run)(const struct tg_app_model *model); /* tg_selftest_vectors */
    const tg_vector *list;                        /* run in this order after a reset */
    uint32_t count;
} tg_vectors;

/* When a label counts (tg_score.h) and when it is an event (tg_smooth.h). */
typedef struct tg_app_rules {
    void (*judge)(const struct tg_app_rules *rules, tg_app_result *result);       /* tg_app_rules_judge */
    void (*event)(const struct tg_app_rules *rules, const tg_app_result *result); /* tg_app_rules_event */
    void (*clear)(const struct tg_app_rules *rules);                              /* tg_app_rules_clear */
    tg_smooth *smooth;
    int32_t least; /* the smallest q that reaches the threshold */
    uint8_t n;
    uint8_t m;
    uint32_t refractory;
} tg_app_rules;

void tg_app_rules_judge(const tg_app_rules *rules, tg_app_result *result);
void tg_app_rules_event(const tg_app_rules *rules, const tg_app_result *result);
void tg_app_rules_clear(const tg_app_rules *rules);

/* A window over samples of `channels` floats (tg_ring.h). `next` takes samples up to the one that makes a window due, fills
 * the input then and returns 1; *came tells whether there was any. */
typedef struct tg_app_stream {
    int (*next)(const struct tg_app_stream *stream, int *came); /* tg_app_stream_next */
    void (*clear)(const struct tg_app_stream *stream);          /* tg_app_stream_clear */
    tg_ring *ring;
    uint32_t window;
    uint32_t stride;
    uint32_t channels;
    float *memory;                     /* window * channels */
    float *sample;                     /* channels */
    void (*fill)(const float *window); /* to the model's input, quantized */
} tg_app_stream;

int tg_app_stream_next(const tg_app_stream *stream, int *came);
void tg_app_stream_clear(const tg_app_stream *stream);

/* A model's functions and what belongs to it; what it has not got is NULL. */
typedef struct tg_app_model {
    const tg_model_info *(*info)(void);
    tg_status (*invoke)(void);
    void (*reset)(void);
    tg_status (*begin)(void);     /* builds the interpreter */
    uint32_t (*arena_used)(void); /* bytes */
    uint32_t arena_needed;        /* as estimated, 0 where the plan is exact */
    tg_status (*check_weights)(void);
    tg_overrun (*overrun)(void); /* of a checked build */
    const tg_vectors *vectors;
    const tg_app_rules *rules;
    const tg_app_stream *stream;
} tg_app_model;

/* -DTG_CHECK_WEIGHTS=1: tg_app_start holds the constants to their CRC-32 first. Otherwise nothing of it is linked. */
#if defined(TG_CHECK_WEIGHTS) && TG_CHECK_WEIGHTS
#define TG_APP_CHECK(function) function
#else
#define TG_APP_CHECK(function) NULL
#endif

/* Once: tells what runs here, and tests it: see tg_selftest.h. */
void tg_app_start(const tg_app_model *model);

/* Again and again: at most one inference, or in a stream the samples up to one. Does not wait for input. Returns 0 when
 * nothing came. */
int tg_app_step(void);

/* The user's own. `read_input` fills the model's inputs (info->inputs[i].data) and returns 1, or 0 when there is none
 * yet; it is called by every step that has no stream. `read_sample` gives one sample of the stream and returns 1, or 0.
 * `on_event` comes after `on_result` when a label fires. */
int tg_app_read_input(const tg_model_info *info);
int tg_app_read_sample(float *sample);
void tg_app_on_result(const tg_app_result *result);
void tg_app_on_event(int32_t label, const char *name, float score);

/* For tg_app_read_input: the next byte of the serial line that is not part of a frame, -1 when there is none. Where it is
 * not called, the application itself reads the line, and drops what is no frame. */
int tg_app_next_byte(void);

/* A frame's receiver (tg_link.h), weak too; the one here takes none. `take` returns 1 where the byte is its own; `start` comes
 * once the model is ready or known not to be, `self_test` after vectors were compared. While it is busy nothing else runs the
 * model, and what is no frame goes; `interrupt` comes before the application runs the model for itself. */
int tg_link_take(int byte);
void tg_link_start(const tg_app_model *model, int ready);
void tg_link_self_test(int passed);
int tg_link_busy(void);
void tg_link_interrupt(void);

/* For a receiver of frames: the model that runs, NULL before tg_app_start and where it could not be built; byte `position`
 * of all its inputs in a row, NULL behind the last one; a new stream begins (the model's state too). */
const tg_app_model *tg_app_running(void);
uint8_t *tg_app_input_byte(const tg_model_info *info, uint32_t position);
void tg_app_restart(void);

/* Runs the model; `took` in the unit of tg_cycles.h. Says why where it fails, and returns 0. */
int tg_app_invoke(const tg_app_model *model, uint32_t *took);

/* What the board gives: one file a framework implements it. */
int tg_port_read(void); /* the next byte, -1 when there is none */
void tg_port_write(const char *text, uint32_t bytes);
uint32_t tg_port_micros(void);

#if defined(__GNUC__)
#define TG_WEAK __attribute__((weak))
#else
#define TG_WEAK
#endif

#ifdef __cplusplus
}
#endif

#endif
