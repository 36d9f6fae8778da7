/* Targets by name: classes, processors, platforms with their API level, GPUs; and what is said of
 * names that are none. */
#include "backends/target/levels.h"
#include "backends/target/target.h"
#include "ir/arena.h"
#include "ir/diagnostics.h"
#include "ir/text.h"
#include <stdlib.h>
#include <string.h>

static const Target *target_of(const Processor *processor, Arena *arena) {
    Target *target = ARENA_NEW(arena, Target);
    *target = *target_class(processor->class_name);
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
    target->f16 = processor->f16;
    return target;
}

static const Target *named_cpu(const char *name, Arena *arena) {
    size_t count;
    const Processor *processors = processor_table(&count);
    for (size_t i = 0; i < count; i++)
        if (strcmp(processors[i].name, name) == 0)
            return target_of(&processors[i], arena);
    return NULL;
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
    size_t count;
    const Platform *platforms = platform_table(&count);
    for (size_t i = 0; i < count; i++) {
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
    size_t count;
    const Target *gpus = gpu_target_table(&count);
    for (size_t i = 0; i < count; i++)
        if (strcmp(gpus[i].name, name) == 0)
            return &gpus[i];
    Text names = {0};
    for (size_t i = 0; i < count; i++)
        text_format(&names, "%s%s", i == 0 ? "" : i + 1 == count ? " and " : ", ", gpus[i].name);
    diagnostics_error(
        diagnostics, arena_format(arena, "there are %s", names.data), "unknown GPU '%s'", name);
    text_free(&names);
    return NULL;
}

/* What target_find takes; platforms with the lowest of their API levels. */
static const char *nearest_target(const char *name, bool with_platforms, Arena *arena) {
    size_t classes, processors, platforms, count = 0;
    const Target *class = target_table(&classes);
    const Processor *processor = processor_table(&processors);
    const Platform *platform = platform_table(&platforms);
    const char **names = ARENA_ARRAY(arena, const char *, classes + processors + platforms + 1);
    for (size_t i = 0; i < classes; i++)
        names[count++] = class[i].name;
    for (size_t i = 0; i < processors; i++)
        names[count++] = processor[i].name;
    for (size_t i = 0; i < platforms && with_platforms; i++) {
        int level = platform[i].lowest_api_level;
        names[count++] =
            level == 0 ? platform[i].name : arena_format(arena, "%s%d", platform[i].name, level);
    }
    names[count++] = "native";
    return closest_word(name, names, count);
}

static void report_unknown(const char *what, const char *name, bool with_platforms, Arena *arena,
    Diagnostics *diagnostics) {
    const TargetLevels *levels = target_levels_find(name);
    if (levels != NULL) {
        diagnostics_error(diagnostics,
            arena_format(arena, "give one of them: --%s %s", with_platforms ? "target" : "cpu",
                target_levels_example(levels)),
            "'%s' is several targets, and this is about one", name);
        return;
    }
    if (lacks_vectors(name)) {
        diagnostics_error(diagnostics, "armv7-linux-gnueabihf and aarch64-linux-gnu have it",
            "'%s' has no NEON, and there is no code for ARM without it", name);
        return;
    }
    const char *nearest = nearest_target(name, with_platforms, arena);
    const char *hint =
        nearest ? arena_format(arena, "did you mean '%s'? `riffle targets` lists all", nearest)
                : "`riffle targets` lists them";
    diagnostics_error(diagnostics, hint, "unknown %s '%s'", what, name);
}

static const Target *find_processor(const char *name, Arena *arena) {
    const Target *target = strcmp(name, "native") == 0 ? target_native(arena) : target_class(name);
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
        return target_on(platform, target_class(platform->target), level, arena);
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
