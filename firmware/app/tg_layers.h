/* tg_layers.h - the time of each layer, by the hook TG_ON_LAYER of a model that was compiled with -DTG_TRACE.
 *
 * Call tg_layers_begin before an invoke; after it, ask. A model compiled without TG_TRACE calls no hook: 0 layers. */
#ifndef TG_LAYERS_H
#define TG_LAYERS_H

#include "tg.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Layers of a higher index are not timed. */
#ifndef TG_LAYERS
#define TG_LAYERS 128
#endif

void tg_layers_begin(void);
uint32_t tg_layers_count(void);          /* one more than the highest index seen since tg_layers_begin */
uint32_t tg_layers_took(uint32_t index); /* in the unit of tg_cycles.h; 0 for layers without code */
int tg_layers_ran(uint32_t index);       /* whether it has code, so that the hook was called for it */

#ifdef __cplusplus
}
#endif

#endif
