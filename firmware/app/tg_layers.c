/* tg_layers.c - see tg_layers.h. Without TG_TRACE it takes no RAM. */
#include "tg_layers.h"

#if defined(TG_TRACE)
#include "tg_cycles.h"

static uint32_t took[TG_LAYERS];
static uint8_t ran[TG_LAYERS];
static uint32_t count;
static uint32_t last;

void tg_layers_begin(void) {
    memset(took, 0, sizeof took);
    memset(ran, 0, sizeof ran);
    count = 0;
    last = tg_cycles_read();
}

/* Once an output: a layer of two outputs is told twice, and its times are added. */
void tg_on_layer(uint32_t index, const void *data, uint32_t bytes) {
    (void)data;
    (void)bytes;
    if (index < TG_LAYERS) {
        took[index] += tg_cycles_read() - last;
        ran[index] = 1;
        count = index + 1u > count ? index + 1u : count;
    }
    last = tg_cycles_read();
}

uint32_t tg_layers_count(void) { return count; }
uint32_t tg_layers_took(uint32_t index) { return index < count ? took[index] : 0u; }
int tg_layers_ran(uint32_t index) { return index < count ? ran[index] : 0; }
#else
void tg_layers_begin(void) {}
uint32_t tg_layers_count(void) { return 0; }
uint32_t tg_layers_took(uint32_t index) { return 0u * index; }
int tg_layers_ran(uint32_t index) { return 0 * (int)index; }
#endif
