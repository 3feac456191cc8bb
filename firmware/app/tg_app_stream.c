/* tg_app_stream.c - the application on a stream of samples: windows for the model, and events from its labels. */
#include "tg_app.h"
#include "tg_score.h"
#include "tg_text.h"

TG_WEAK int tg_app_read_sample(float *sample) {
    (void)sample;
    return 0;
}

int tg_app_stream_next(const tg_app_stream *stream, int *came) {
    for (uint32_t i = 0; i < stream->stride && tg_app_read_sample(stream->sample); i++) {
        *came = 1;
        if (tg_ring_push(stream->ring, stream->sample)) {
            stream->fill((const float *)tg_ring_line(stream->ring));
            return 1;
        }
    }
    return 0;
}

void tg_app_stream_clear(const tg_app_stream *stream) {
    const uint32_t sample_bytes = stream->channels * (uint32_t)sizeof(float);
    (void)tg_ring_init(stream->ring, stream->memory, stream->window, stream->stride, sample_bytes);
}

TG_WEAK void tg_app_on_event(int32_t label, const char *name, float score) {
    tg_put("event: ");
    tg_put_signed(label);
    tg_put(" ");
    tg_put(name);
    tg_put(", score ");
    tg_put_thousandths(score);
    tg_put("\n");
}

void tg_app_rules_judge(const tg_app_rules *rules, tg_app_result *result) {
    if (result->output < 0) {
        return;
    }
    result->score = tg_score_real(&result->info->outputs[result->output], result->q);
    if (result->q < rules->least) {
        result->label = TG_NO_LABEL;
        result->name = "";
    }
}

void tg_app_rules_event(const tg_app_rules *rules, const tg_app_result *result) {
    if (tg_smooth_push(rules->smooth, result->label)) {
        tg_app_on_event(result->label, result->name, result->score);
    }
}

void tg_app_rules_clear(const tg_app_rules *rules) {
    (void)tg_smooth_init(rules->smooth, rules->n, rules->m, rules->refractory);
}
