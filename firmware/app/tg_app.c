/* tg_app.c - see tg_app.h. */
#include "tg_app.h"

#include "tg_cycles.h"
#include "tg_layers.h"
#include "tg_score.h"
#include "tg_selftest.h"
#include "tg_text.h"

static const tg_app_model *app;
static int came;  /* a byte or a sample, in this step */
static int asked; /* tg_app_next_byte was called in this step */

const tg_app_model *tg_app_running(void) { return app; }

TG_WEAK int tg_link_take(int byte) {
    (void)byte;
    return 0;
}

TG_WEAK void tg_link_start(const tg_app_model *model, int ready) {
    (void)model;
    (void)ready;
}

TG_WEAK void tg_link_self_test(int passed) { (void)passed; }

TG_WEAK int tg_link_busy(void) { return 0; }

TG_WEAK void tg_link_interrupt(void) {}

int tg_app_next_byte(void) {
    int byte = tg_port_read();
    asked = 1;
    while (byte >= 0) {
        came = 1;
        if (!tg_link_take(byte) && !tg_link_busy()) {
            break;
        }
        byte = tg_port_read();
    }
    return byte;
}

uint8_t *tg_app_input_byte(const tg_model_info *info, uint32_t position) {
    for (uint32_t i = 0; i < info->input_count; i++) {
        if (position < info->inputs[i].bytes) {
            return (uint8_t *)info->inputs[i].data + position;
        }
        position -= info->inputs[i].bytes;
    }
    return NULL;
}

/* A checked build names the layer. */
static void put_failure(const tg_app_model *model) {
    tg_put("error: invoke failed");
    if (model->overrun != NULL && model->overrun().name != NULL) {
        tg_put(": layer ");
        tg_put_signed(model->overrun().layer);
        tg_put(" wrote outside of its buffers: ");
        tg_put(model->overrun().name);
    }
    tg_put("\n");
}

int tg_app_invoke(const tg_app_model *model, uint32_t *took) {
    tg_layers_begin();
    const uint32_t before = tg_cycles_read();
    const tg_status status = model->invoke();
    *took = tg_cycles_read() - before;
    if (status != TG_OK) {
        put_failure(model);
    }
    return status == TG_OK;
}

/* Samples and labels of before. */
static void clear(void) {
    if (app->stream != NULL) {
        app->stream->clear(app->stream);
    }
    if (app->rules != NULL) {
        app->rules->clear(app->rules);
    }
}

void tg_app_restart(void) {
    if (app != NULL) {
        app->reset();
        clear();
    }
}

static void put_arena(const tg_app_model *model, const tg_model_info *info) {
    tg_put("arena: ");
    tg_put_unsigned(info->arena_bytes);
    tg_put(" bytes given");
    if (model->arena_needed != 0) {
        tg_put(", about ");
        tg_put_unsigned(model->arena_needed);
        tg_put(" needed");
    }
    if (model->arena_used != NULL && model->arena_used() != 0) {
        tg_put(", ");
        tg_put_unsigned(model->arena_used());
        tg_put(" used");
    }
    tg_put("\n");
}

static void put_model(const tg_model_info *info) {
    tg_put("\nmodel: ");
    tg_put(info->name);
    tg_put(" ");
    tg_put(info->version);
    tg_put(", sha256 ");
    tg_put(info->sha256);
    tg_put(", tinygen ");
    tg_put(info->tinygen);
    tg_put("\n");
}

static void put_ready(const tg_app_model *model, const tg_model_info *info) {
    uint32_t bytes = 0;
    if (model->stream != NULL) {
        tg_put("ready: samples of ");
        tg_put_unsigned(model->stream->channels);
        tg_put(" channels, a window of ");
        tg_put_unsigned(model->stream->window);
        tg_put(" every ");
        tg_put_unsigned(model->stream->stride);
        tg_put("\n");
        return;
    }
    for (uint32_t i = 0; i < info->input_count; i++) {
        bytes += info->inputs[i].bytes;
    }
    tg_put("ready: a line of ");
    tg_put_unsigned(2u * bytes);
    tg_put(" hexadecimal digits\n");
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
    app = NULL;
    tg_cycles_start();
    put_model(info);
    put_arena(model, info);
    tg_link_start(model, trouble == NULL);
    if (trouble != NULL) {
        tg_put("error: ");
        tg_put(trouble);
        tg_put("\n");
        return;
    }
    const int passed = tg_selftest(model);
    if (model->vectors != NULL) {
        tg_link_self_test(passed);
    }
    app = model;
    clear();
    put_ready(model, info);
}

/* The output that is scored: as many values as labels. */
static int32_t scored(const tg_model_info *info) {
    for (uint32_t o = 0; o < info->output_count && info->labels != NULL; o++) {
        const uint32_t item = info->outputs[o].type == TG_INT16 ? 2u : 1u;
        if (tg_score_best(&info->outputs[o]).index >= 0 && info->outputs[o].bytes / item == info->label_count) {
            return (int32_t)o;
        }
    }
    return info->labels == NULL && app->rules != NULL && tg_score_best(&info->outputs[0]).index >= 0 ? 0 : -1;
}

/* From an inference to the result and its event. */
static void tell(const tg_model_info *info, uint32_t took) {
    tg_app_result result = {info, "", TG_NO_LABEL, scored(info), 0, 0.0f, took};
    if (result.output >= 0) {
        const tg_score best = tg_score_best(&info->outputs[result.output]);
        result.q = best.q;
        result.label = best.index;
        result.name = info->labels != NULL ? info->labels[best.index] : "";
    }
    if (app->rules != NULL) {
        app->rules->judge(app->rules, &result);
    }
    tg_app_on_result(&result);
    if (app->rules != NULL) {
        app->rules->event(app->rules, &result);
    }
}

static void infer(void) {
    uint32_t took;
    came = 1;
    tg_link_interrupt();
    if (tg_app_invoke(app, &took)) {
        tell(app->info(), took);
    }
}

int tg_app_step(void) {
    came = 0;
    asked = 0;
    if (tg_link_busy()) {
        (void)tg_app_next_byte();
    } else if (app != NULL && app->stream != NULL) {
        if (app->stream->next(app->stream, &came)) {
            infer();
        }
    } else if (app != NULL && tg_app_read_input(app->info())) {
        infer();
    }
    while (!asked && tg_app_next_byte() >= 0) {
        asked = 0; /* nobody else reads the line: what is no frame goes */
    }
    return came;
}
