/* tg_tflm_hook.h - TG_ON_LAYER for a model that TensorFlow Lite Micro runs, in builds with -DTG_TRACE: after every operator,
 * with its index in the model and no data. C++.
 *
 * The interpreter tells its profiler the beginning and end of each operator, and of what some kernels time inside of one
 * (tensorflow/lite/micro/micro_interpreter_graph.cc; not in builds with TF_LITE_STRIP_ERROR_STRINGS). */
#ifndef TG_TFLM_HOOK_H
#define TG_TFLM_HOOK_H

#include "tensorflow/lite/micro/micro_profiler_interface.h"
#include "tg.h"

class TgTflmHook : public tflite::MicroProfilerInterface {
  public:
    uint32_t BeginEvent(const char *) override {
        depth_++;
        return 0;
    }

    void EndEvent(uint32_t) override {
        if (--depth_ == 0) {
            TG_ON_LAYER(next_, nullptr, 0);
            next_++;
        }
    }

    /* Before an invoke. */
    void Restart() {
        depth_ = 0;
        next_ = 0;
    }

  private:
    uint32_t depth_ = 0;
    uint32_t next_ = 0;
};

#endif
