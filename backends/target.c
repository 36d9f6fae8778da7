/* Targets: the table, CPU names, and what this machine can run. */
#include "backends/backends.h"
#include <string.h>

static const Target targets[] = {
#define TARGET(                                                                                    \
    name, triple, cpu, features, lanes, registers, rate, masks, broadcast, fma, l1, l2, summary)   \
    {name, triple, cpu, features, lanes, registers, rate, masks, broadcast, fma, l1, l2, summary},
#include "backends/targets.def"
};

const Target *target_table(size_t *count) {
    *count = sizeof targets / sizeof *targets;
    return targets;
}

static const Target *find_row(const char *name) {
    for (size_t i = 0; i < sizeof targets / sizeof *targets; i++)
        if (strcmp(targets[i].name, name) == 0)
            return &targets[i];
    return NULL;
}

#if defined(__x86_64__)
static bool runs_lanes(int lanes) {
    __builtin_cpu_init();
    if (lanes >= 16)
        return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
               __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq");
    if (lanes >= 8)
        return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    return true;
}
#else
static bool runs_lanes(int lanes) {
    (void)lanes;
    return false;
}
#endif

bool target_runs_here(const Target *target) {
    /* Bulldozer's four-operand multiply-add exists nowhere else. */
    bool bulldozer = strncmp(target->cpu, "bdver", 5) == 0;
    return strncmp(target->triple, "x86_64", 6) == 0 && !bulldozer && runs_lanes(target->lanes);
}

/* x86-64 CPU names of LLVM: the class decides lanes and registers, the name goes to LLVM, which
 * schedules for it. */
typedef struct CpuName {
    const char *cpu, *class_name;
} CpuName;

static const CpuName cpu_names[] = {
#define CPU(cpu, class_name) {cpu, class_name},
#include "backends/cpus.def"
};

static const Target *named_cpu(const char *name, Arena *arena) {
    for (size_t i = 0; i < sizeof cpu_names / sizeof *cpu_names; i++) {
        if (strcmp(cpu_names[i].cpu, name) != 0)
            continue;
        Target *target = ARENA_NEW(arena, Target);
        *target = *find_row(cpu_names[i].class_name);
        target->name = cpu_names[i].cpu;
        target->cpu = cpu_names[i].cpu;
        target->summary = "an x86-64 processor by name";
        return target;
    }
    return NULL;
}

static const Target *native_target(void) {
    const Target *best = NULL;
    for (size_t i = 0; i < sizeof targets / sizeof *targets; i++)
        if (target_runs_here(&targets[i]))
            best = &targets[i];
    return best;
}

const char *const *target_processor_names(Arena *arena, size_t *count) {
    *count = sizeof cpu_names / sizeof *cpu_names;
    const char **names = ARENA_ARRAY(arena, const char *, *count);
    for (size_t i = 0; i < *count; i++)
        names[i] = cpu_names[i].cpu;
    return names;
}

const Target *target_find(const char *name, Arena *arena, Diagnostics *diagnostics) {
    const Target *target = strcmp(name, "native") == 0 ? native_target() : find_row(name);
    if (!target)
        target = named_cpu(name, arena);
    if (target)
        return target;
    enum { NAMES = sizeof targets / sizeof *targets, CPUS = sizeof cpu_names / sizeof *cpu_names };
    const char *candidates[NAMES + CPUS + 1];
    size_t count = 0;
    for (size_t i = 0; i < NAMES; i++)
        candidates[count++] = targets[i].name;
    for (size_t i = 0; i < CPUS; i++)
        candidates[count++] = cpu_names[i].cpu;
    candidates[count++] = "native";
    const char *nearest = closest_word(name, candidates, count);
    char *hint = nearest
                     ? arena_format(arena, "did you mean '%s'? `riffle targets` lists all", nearest)
                     : arena_format(arena, "`riffle targets` lists them");
    diagnostics_error(diagnostics, hint, "unknown target '%s'", name);
    return NULL;
}
