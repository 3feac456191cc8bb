/* stream.c - the user's side in a test: samples of CHANNELS floats out of a file, every result and event told. */
#include <stdio.h>
#include <stdlib.h>

#include "tg_app.h"

void tg_port_start(void);
void tg_port_start(void) {}

int tg_app_read_sample(float *sample) {
    static uint32_t calls;
    static FILE *file;
    file = file != NULL ? file : fopen("input", "rb");
    if (++calls % 3u == 0) { /* none yet, now and then */
        return 0;
    }
    if (file == NULL || fread(sample, sizeof *sample, CHANNELS, file) != CHANNELS) {
        fflush(stdout);
        exit(0);
    }
    return 1;
}

void tg_app_on_result(const tg_app_result *result) { printf("%d %.9g\n", (int)result->label, (double)result->score); }

void tg_app_on_event(int32_t label, const char *name, float score) {
    printf("event %d %s %.9g\n", (int)label, name, (double)score);
    fflush(stdout);
}
