/* tg_sim_model.h - the model that the simulation harness runs. */
#ifndef TG_SIM_MODEL_H
#define TG_SIM_MODEL_H

#include "conv.h"

#define TG_MODEL(function) conv_##function

#endif
