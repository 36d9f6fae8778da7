/* Targets: the tables, processor names, platforms, and what this machine can run. */
#include "backends/target/target.h"
#include "backends/target/levels.h"
#include "ir/arena.h"
#include "ir/diagnostics.h"
#include "ir/text.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const Target targets[] = {
#define TARGET(name, architecture, triple, format, cpu, features, lanes, registers, multiply_adds, \
    loads, instructions, masks, broadcast, lane, fused, bytes, l1, l2, summary)                    \
    {name, ARCHITECTURE_##architecture, triple, FORMAT_##format, cpu, features, lanes, registers,  \
        multiply_adds, loads, instructions, masks, broadcast, lane, fused, BYTES_##bytes, l1, l2,  \
        summary, BF16_NONE, NULL},
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
#define GPU(name, cpu, capability, features, multiprocessors, shared, summary)                     \
    {capability, multiprocessors, (shared) * 1024LL, (shared) < 100 ? 32 * 1024 : 48 * 1024},
#include "backends/target/gpus.def"
};

enum {
#define GPU(name, cpu, capability, ...) GPU_##capability,
#include "backends/target/gpus.def"
    GPUS
};

static const Target gpu_targets[] = {
#define GPU(gpu_name, gpu_cpu, capability, gpu_features, multiprocessors, shared, gpu_summary)     \
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

int target_largest_weight(const Target *target) {
    return target != NULL && target->bytes == BYTES_IN_QUADS ? 127 : 64;
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

static const Target *find_row(const char *name) {
    for (size_t i = 0; i < TARGETS; i++)
        if (strcmp(targets[i].name, name) == 0)
            return &targets[i];
    return NULL;
}

/* ---- this machine ---- */

#if defined(__x86_64__)
static const Architecture architecture_here = ARCHITECTURE_X86_64;

static bool runs_lanes(int lanes) {
    __builtin_cpu_init();
    if (lanes >= 16)
        return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
               __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq");
    if (lanes >= 8)
        return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    return true;
}

static bool has_byte_quads(void) {
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx512vnni");
}

static Bf16Products bf16_products(void) {
    __builtin_cpu_init();
    if (!__builtin_cpu_supports("avx512bf16"))
        return BF16_NONE;
    bool fast = __builtin_cpu_is("amd") || __builtin_cpu_is("cooperlake");
    return fast ? BF16_FAST : BF16_SLOW;
}
#elif defined(__aarch64__)
static const Architecture architecture_here = ARCHITECTURE_AARCH64;

static bool runs_lanes(int lanes) {
    return lanes <= 4;
}

static bool has_byte_quads(void) {
    return false;
}

static Bf16Products bf16_products(void) {
    return BF16_NONE;
}
#else
/* No code is made for it. */
static const Architecture architecture_here = (Architecture)-1;

static bool runs_lanes(int lanes) {
    (void)lanes;
    return false;
}

static bool has_byte_quads(void) {
    return false;
}

static Bf16Products bf16_products(void) {
    return BF16_NONE;
}
#endif

bool target_runs_here(const Target *target) {
    if (target->architecture == ARCHITECTURE_ANY)
        return true;
    /* Bulldozer's four-operand multiply-add exists nowhere else. */
    bool bulldozer = strncmp(target->cpu, "bdver", 5) == 0;
    return target->architecture == architecture_here && strstr(target->triple, "-linux-gnu") &&
           !bulldozer && runs_lanes(target->lanes);
}

/* The system may not know (0 or less), or tell what a virtual machine made up. */
static int64_t cache_here(int name, int64_t typical) {
    enum { LEAST = 16 << 10, MOST = 16 << 20 };
    long bytes = sysconf(name);
    return bytes >= LEAST && bytes <= MOST ? bytes : typical;
}

/* The best class that this machine belongs to, with what else it can do and its caches. */
static const Target *native_target(Arena *arena) {
    const Target *best = NULL;
    for (size_t i = 0; i < TARGETS; i++)
        if (target_runs_here(&targets[i]))
            best = &targets[i];
    if (best == NULL)
        return NULL;
    Target *target = ARENA_NEW(arena, Target);
    *target = *best;
#if defined(_SC_LEVEL1_DCACHE_SIZE) && defined(_SC_LEVEL2_CACHE_SIZE)
    target->l1_bytes = cache_here(_SC_LEVEL1_DCACHE_SIZE, best->l1_bytes);
    target->l2_bytes = cache_here(_SC_LEVEL2_CACHE_SIZE, best->l2_bytes);
#endif
    if (best->lanes < 16 || !has_byte_quads())
        return target;
    target->bytes = BYTES_IN_QUADS;
    target->bf16 = bf16_products();
    target->features = arena_format(arena, "%s%s+avx512vnni%s", best->features,
        best->features[0] ? "," : "", target->bf16 != BF16_NONE ? ",+avx512bf16" : "");
    return target;
}

/* ---- by name ---- */

static const Target *target_of(const Processor *processor, Arena *arena) {
    Target *target = ARENA_NEW(arena, Target);
    *target = *find_row(processor->class_name);
    target->name = processor->name;
    target->cpu = processor->name;
    target->summary = "a processor by name";
    if (processor->l1_kib > 0) {
        target->l1_bytes = (int64_t)processor->l1_kib << 10;
        target->l2_bytes = (int64_t)processor->l2_kib << 10;
    }
    if (processor->bytes != BYTES_NONE)
        target->bytes = processor->bytes;
    target->bf16 = processor->bf16;
    return target;
}

static const Target *named_cpu(const char *name, Arena *arena) {
    for (size_t i = 0; i < CPUS; i++)
        if (strcmp(processors[i].name, name) == 0)
            return target_of(&processors[i], arena);
    return NULL;
}

const char *target_names_with_bf16(Arena *arena) {
    const char *names = "";
    for (size_t i = 0; i < CPUS; i++)
        if (processors[i].bf16 != BF16_NONE)
            names = arena_format(
                arena, "%s%s%s", names, names[0] == '\0' ? "" : ", ", processors[i].name);
    return names;
}

const char *const *target_processor_names(Architecture architecture, Arena *arena, size_t *count) {
    const char **names = ARENA_ARRAY(arena, const char *, CPUS);
    *count = 0;
    for (size_t i = 0; i < CPUS; i++)
        if (find_row(processors[i].class_name)->architecture == architecture)
            names[(*count)++] = processors[i].name;
    return names;
}

/* What follows the platform's name or triple at the start of the text; NULL when neither is there.
 */
static const char *after_platform(const Platform *platform, const char *text) {
    const char *const spellings[] = {platform->name, platform->triple};
    for (size_t i = 0; i < 2; i++) {
        size_t length = strlen(spellings[i]);
        if (strncmp(text, spellings[i], length) == 0)
            return text + length;
    }
    return NULL;
}

/* The platform that is named; what follows must be digits where it has API levels, and nothing
 * where it has none. */
static const Platform *find_platform(const char *name, const char **level) {
    for (size_t i = 0; i < PLATFORMS; i++) {
        const char *rest = after_platform(&platforms[i], name);
        if (rest == NULL)
            continue;
        size_t digits = strspn(rest, "0123456789");
        if (rest[digits] != '\0' || (digits > 0 && platforms[i].lowest_api_level == 0))
            continue;
        *level = rest;
        return &platforms[i];
    }
    return NULL;
}

static bool check_api_level(
    const Platform *platform, const char *level, Arena *arena, Diagnostics *diagnostics) {
    int lowest = platform->lowest_api_level;
    char *hint = arena_format(arena, "write %s%d, or a higher level", platform->name, lowest);
    if (level[0] == '\0') {
        diagnostics_error(
            diagnostics, hint, "'%s' needs an API level behind its name", platform->name);
        return false;
    }
    if (strlen(level) <= 4 && atoi(level) >= lowest)
        return true;
    if (strlen(level) > 4)
        diagnostics_error(diagnostics, hint, "'%s' is no API level of Android", level);
    else
        diagnostics_error(diagnostics, hint,
            "API level %s is too low: code for '%s' needs level %d", level, platform->name, lowest);
    return false;
}

static const Target *target_on(
    const Platform *platform, const Target *class, const char *level, Arena *arena) {
    Target *target = ARENA_NEW(arena, Target);
    *target = *class;
    target->name = arena_format(arena, "%s%s", platform->name, level);
    target->triple = arena_format(arena, "%s%s", platform->triple, level);
    target->format = platform->format;
    target->summary = platform->summary;
    return target;
}

/* ARM before NEON, or without it. */
static bool lacks_vectors(const char *name) {
    static const char *const beginnings[] = {"armv4", "armv5", "armv6", "armv8-m", "arm7", "arm9",
        "arm10", "arm11", "arm-linux", "armeabi-v5", "armeabi-v6", "cortex-m", "cortex-r"};
    for (size_t i = 0; i < sizeof beginnings / sizeof *beginnings; i++)
        if (strncmp(name, beginnings[i], strlen(beginnings[i])) == 0)
            return true;
    return strcmp(name, "armeabi") == 0;
}

/* NULL after reporting, when the name is of a GPU that is not in the table. */
static const Target *find_gpu(const char *name, Arena *arena, Diagnostics *diagnostics) {
    for (size_t i = 0; i < GPUS; i++)
        if (strcmp(gpu_targets[i].name, name) == 0)
            return &gpu_targets[i];
    Text names = {0};
    for (size_t i = 0; i < GPUS; i++)
        text_format(&names, "%s%s",
            i == 0          ? ""
            : i + 1 == GPUS ? " and "
                            : ", ",
            gpu_targets[i].name);
    diagnostics_error(
        diagnostics, arena_format(arena, "there are %s", names.data), "unknown GPU '%s'", name);
    text_free(&names);
    return NULL;
}

static void report_unknown(const char *what, const char *name, bool with_platforms, Arena *arena,
    Diagnostics *diagnostics) {
    const char *candidates[TARGETS + CPUS + PLATFORMS + 1];
    size_t count = 0;
    const TargetLevels *levels = target_levels_find(name);
    if (levels != NULL) {
        const char *highest = levels->levels[target_levels_count(levels) - 1].target;
        diagnostics_error(diagnostics,
            arena_format(arena, "give one of them: --target %s", highest),
            "'%s' is several targets, and this is about one", name);
        return;
    }
    if (lacks_vectors(name)) {
        diagnostics_error(diagnostics, "armv7-linux-gnueabihf and aarch64-linux-gnu have it",
            "'%s' has no NEON, and there is no code for ARM without it", name);
        return;
    }
    for (size_t i = 0; i < TARGETS; i++)
        candidates[count++] = targets[i].name;
    for (size_t i = 0; i < CPUS; i++)
        candidates[count++] = processors[i].name;
    for (size_t i = 0; i < PLATFORMS && with_platforms; i++) {
        int level = platforms[i].lowest_api_level;
        candidates[count++] =
            level == 0 ? platforms[i].name : arena_format(arena, "%s%d", platforms[i].name, level);
    }
    candidates[count++] = "native";
    const char *nearest = closest_word(name, candidates, count);
    char *hint = nearest
                     ? arena_format(arena, "did you mean '%s'? `riffle targets` lists all", nearest)
                     : arena_format(arena, "`riffle targets` lists them");
    diagnostics_error(diagnostics, hint, "unknown %s '%s'", what, name);
}

static const Target *find_processor(const char *name, Arena *arena) {
    const Target *target = strcmp(name, "native") == 0 ? native_target(arena) : find_row(name);
    return target ? target : named_cpu(name, arena);
}

const Target *target_find(const char *name, Arena *arena, Diagnostics *diagnostics) {
    return target_find_processor(name, NULL, arena, diagnostics);
}

const Target *target_find_processor(
    const char *name, const char *processor_name, Arena *arena, Diagnostics *diagnostics) {
    if (strncmp(name, "cuda", 4) == 0) {
        const Target *gpu = find_gpu(name, arena, diagnostics);
        if (gpu == NULL || processor_name == NULL)
            return gpu;
        diagnostics_error(diagnostics, "`riffle targets` lists the platforms",
            "'%s' is a GPU; --cpu goes with a platform", name);
        return NULL;
    }
    const Target *processor = find_processor(processor_name ? processor_name : name, arena);
    if (processor_name == NULL && processor)
        return processor;
    const char *level;
    const Platform *platform = find_platform(name, &level);
    if (platform == NULL) {
        if (processor_name && find_processor(name, arena))
            diagnostics_error(diagnostics, "`riffle targets` lists the platforms",
                "'%s' is a processor already; --cpu goes with a platform", name);
        else
            report_unknown("target", name, true, arena, diagnostics);
        return NULL;
    }
    if (platform->lowest_api_level > 0 && !check_api_level(platform, level, arena, diagnostics))
        return NULL;
    if (processor_name == NULL)
        return target_on(platform, find_row(platform->target), level, arena);
    if (processor == NULL) {
        report_unknown("processor", processor_name, false, arena, diagnostics);
        return NULL;
    }
    if (processor->architecture != platform->architecture) {
        diagnostics_error(diagnostics, "`riffle targets` lists the processors by architecture",
            "'%s' is a processor of %s, and '%s' is %s", processor_name,
            architecture_name(processor->architecture), name,
            architecture_name(platform->architecture));
        return NULL;
    }
    if (strcmp(processor->triple, platform->triple) == 0)
        return processor; /* the same target by its short name, as tunings have it */
    Target *target = (Target *)target_on(platform, processor, level, arena);
    target->name = arena_format(arena, "%s on %s", processor_name, target->name);
    return target;
}
