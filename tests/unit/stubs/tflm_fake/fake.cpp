/* An interpreter that computes nothing and tells what is done to it: what a rendered model calls, in which order. */
#include <cstdarg>
#include <cstdio>
#include <cstdlib>

#include "tensorflow/lite/micro/micro_allocator.h"
#include "tensorflow/lite/micro/micro_interpreter.h"
#include "tensorflow/lite/micro/micro_log.h"
#include "tensorflow/lite/micro/micro_resource_variable.h"

static int8_t values[64];
static TfLiteTensor tensor;

void MicroPrintf(const char *format, ...) {
    va_list list;
    va_start(list, format);
    std::vprintf(format, list);
    std::printf("\n");
    va_end(list);
}

namespace tflite {
uint32_t Model::version() const { return TFLITE_SCHEMA_VERSION; }
const Model *GetModel(const void *buffer) { return static_cast<const Model *>(buffer); }

MicroAllocator::~MicroAllocator() {}
struct Allocator : MicroAllocator {};
MicroAllocator *MicroAllocator::Create(uint8_t *, size_t size, MemoryPlannerType) {
    static Allocator only;
    std::printf("allocator %s\n", size > 0 ? "made" : "empty");
    return &only;
}

MicroResourceVariables::MicroResourceVariables() {}
MicroResourceVariables *MicroResourceVariables::Create(MicroAllocator *, int count) {
    std::printf("variables %d\n", count);
    static MicroResourceVariables only;
    return &only;
}

MicroInterpreter::MicroInterpreter(const Model *, const MicroOpResolver &, uint8_t *, size_t, MicroResourceVariables *,
                                   MicroProfilerInterface *, bool) {
    std::printf("interpreter made\n");
}
MicroInterpreter::MicroInterpreter(const Model *, const MicroOpResolver &, MicroAllocator *allocator,
                                   MicroResourceVariables *variables, MicroProfilerInterface *) {
    std::printf("interpreter made%s\n", allocator != nullptr && variables != nullptr ? " with variables" : "");
}
MicroInterpreter::~MicroInterpreter() { std::printf("interpreter gone\n"); }
TfLiteStatus MicroInterpreter::AllocateTensors() { return std::getenv("FAIL") != nullptr ? kTfLiteError : kTfLiteOk; }
TfLiteStatus MicroInterpreter::Invoke() { return kTfLiteOk; }
TfLiteStatus MicroInterpreter::Reset() {
    std::printf("interpreter reset\n");
    return kTfLiteOk;
}
TfLiteTensor *MicroInterpreter::input(size_t) {
    tensor.data.int8 = values;
    return &tensor;
}
TfLiteTensor *MicroInterpreter::output(size_t) { return input(0); }
size_t MicroInterpreter::arena_used_bytes() const { return 1; }
}  // namespace tflite
