/* The tables of classes, platforms, processors and GPUs. */
#include "backends/target/target.h"
#include "ir/arena.h"
#include <string.h>

static const Target targets[] = {
#define TARGET(name, architecture, triple, format, cpu, features, lanes, registers, multiply_adds, \
    loads, instructions, masks, broadcast, lane, fused, bytes, l1, l2, summary)                    \
    {name, ARCHITECTURE_##architecture, triple, FORMAT_##format, cpu, features, lanes, registers,  \
        multiply_adds, loads, instructions, masks, broadcast, lane, fused, BYTES_##bytes, l1, l2,  \
        summary, BF16_NONE, false, NULL, 0},
#include "backends/target/targets.def"
#undef TARGET
};

static const Platform platforms[] = {
#define PLATFORM(name, triple, architecture, target, level, format, summary)                       \
    {name, triple, ARCHITECTURE_##architecture, target, level, FORMAT_##format, summary},
#include "backends/target/targets.def"
#undef PLATFORM
};

static const Processor processors[] = {
#define CPU(cpu, ...) {.name = cpu, .class_name = __VA_ARGS__},
#include "backends/target/cpus.def"
};

/* Two blocks of threads and their tiles go into a multiprocessor. */
static const GpuTarget gpu_properties[] = {
#define GPU(name, cpu, capability, features, multiprocessors, shared, version, summary)            \
    {capability, multiprocessors, (shared) * 1024LL, (shared) < 100 ? 32 * 1024 : 48 * 1024,       \
        version},
#include "backends/target/gpus.def"
};

enum {
#define GPU(name, cpu, capability, ...) GPU_##capability,
#include "backends/target/gpus.def"
    GPUS
};

static const Target gpu_targets[] = {
#define GPU(                                                                                       \
    gpu_name, gpu_cpu, capability, gpu_features, multiprocessors, shared, version, gpu_summary)    \
    {.name = gpu_name,                                                                             \
        .architecture = ARCHITECTURE_NVPTX,                                                        \
        .triple = "nvptx64-nvidia-cuda",                                                           \
        .format = FORMAT_ELF,                                                                      \
        .cpu = gpu_cpu,                                                                            \
        .features = gpu_features,                                                                  \
        .lanes = 4,                                                                                \
        .registers = 128,                                                                          \
        .multiply_adds_per_cycle = 1,                                                              \
        .loads_per_cycle = 1,                                                                      \
        .instructions_per_cycle = 4,                                                               \
        .fused_multiply_add = true,                                                                \
        .l1_bytes = (shared) * 1024LL,                                                             \
        .l2_bytes = 4 << 20,                                                                       \
        .summary = gpu_summary,                                                                    \
        .gpu = &gpu_properties[GPU_##capability]},
#include "backends/target/gpus.def"
};

enum {
    TARGETS = sizeof targets / sizeof *targets,
    PLATFORMS = sizeof platforms / sizeof *platforms,
    CPUS = sizeof processors / sizeof *processors
};

const Target *target_table(size_t *count) {
    *count = TARGETS;
    return targets;
}

const Target *gpu_target_table(size_t *count) {
    *count = GPUS;
    return gpu_targets;
}

const Platform *platform_table(size_t *count) {
    *count = PLATFORMS;
    return platforms;
}

const Processor *processor_table(size_t *count) {
    *count = CPUS;
    return processors;
}

const char *architecture_name(Architecture architecture) {
    static const char *const names[] = {
#define ARCHITECTURE(identifier, name, pointer_bytes) [ARCHITECTURE_##identifier] = name,
#include "backends/target/targets.def"
#undef ARCHITECTURE
    };
    return names[architecture];
}

int architecture_pointer_bytes(Architecture architecture) {
    static const int bytes[] = {
#define ARCHITECTURE(identifier, name, pointer_bytes) [ARCHITECTURE_##identifier] = pointer_bytes,
#include "backends/target/targets.def"
#undef ARCHITECTURE
    };
    return bytes[architecture];
}

const Target *target_class(const char *name) {
    for (size_t i = 0; i < TARGETS; i++)
        if (strcmp(targets[i].name, name) == 0)
            return &targets[i];
    return NULL;
}

static bool has_bf16(const Processor *processor) {
    return processor->bf16 != BF16_NONE;
}

static bool has_f16(const Processor *processor) {
    return processor->f16;
}

static const char *names_with(bool (*has)(const Processor *), Arena *arena) {
    const char *names = "";
    for (size_t i = 0; i < CPUS; i++)
        if (has(&processors[i]))
            names = arena_format(
                arena, "%s%s%s", names, names[0] == '\0' ? "" : ", ", processors[i].name);
    return names;
}

const char *target_names_with_bf16(Arena *arena) {
    return names_with(has_bf16, arena);
}

const char *target_names_with_f16(Arena *arena) {
    return names_with(has_f16, arena);
}

const char *const *target_processor_names(Architecture architecture, Arena *arena, size_t *count) {
    const char **names = ARENA_ARRAY(arena, const char *, CPUS);
    *count = 0;
    for (size_t i = 0; i < CPUS; i++)
        if (target_class(processors[i].class_name)->architecture == architecture)
            names[(*count)++] = processors[i].name;
    return names;
}
