/* Declarations only, of what rendered firmware calls, August 2026. */
#pragma once
#include <cstddef>
#include <cstdint>

namespace tflite {
enum class MemoryPlannerType {
    kGreedy,
    kLinear,
};

class MicroAllocator {
   public:
    static MicroAllocator *Create(uint8_t *tensor_arena, size_t arena_size,
                                  MemoryPlannerType memory_planner_type = MemoryPlannerType::kGreedy);

   protected:
    virtual ~MicroAllocator();
};
}  // namespace tflite
