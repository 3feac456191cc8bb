/* Declarations only, of what rendered firmware calls, August 2026. */
#pragma once
#include "tensorflow/lite/micro/micro_allocator.h"

namespace tflite {
class MicroResourceVariables {
   public:
    static MicroResourceVariables *Create(MicroAllocator *allocator, int num_variables);

   private:
    MicroResourceVariables();
};
}  // namespace tflite
