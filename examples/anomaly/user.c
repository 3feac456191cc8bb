/* The program's own side of the anomaly detector: `cp user.c build/nucleo_f446re/src/`, and tinygen keeps it there.
 *
 * A window's error is the mean squared difference between what went into the auto-encoder and what came back. */
#include "anomaly.h"
#include "tg_app.h"
#include "tg_app_data.h"
#include "tg_text.h"

#define MEAN 76.0f /* mmHg, as in train.py */
#define STD 13.0f
#define THRESHOLD 0.0052f /* what detect.py says, of this model */

/* Gives one sample in mmHg and 1; 0 where none is there yet: read the sensor here. */
int tg_app_read_sample(float *sample) {
    (void)sample;
    return 0;
}

static float window_error(void) {
    const float *window = (const float *)tg_ring_line(anomaly_stream.ring);
    const int8_t *back = anomaly_output();
    float sum = 0.0f;
    for (int i = 0; i < ANOMALY_OUTPUT_SIZE; i++) {
        const float gap = anomaly_dequantize(back[i]) - (window[i] - MEAN) / STD;
        sum += gap * gap;
    }
    return sum / (float)ANOMALY_OUTPUT_SIZE;
}

void tg_app_on_result(const tg_app_result *result) {
    const float error = window_error();
    (void)result;
    if (error > THRESHOLD) {
        tg_put("anomaly: error ");
        tg_put_thousandths(error);
        tg_put("\n");
    }
}

/* Each window's largest value is of no interest: without labels it would be told as an event. */
void tg_app_on_event(int32_t label, const char *name, float score) {
    (void)label;
    (void)name;
    (void)score;
}
