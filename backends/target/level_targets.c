/* What code is made for at each of several targets, on their platform or another. */
#include "backends/target/levels.h"
#include "backends/target/target.h"
#include "ir/arena.h"
#include "ir/diagnostics.h"

#include <string.h>

static const Target *target_named(
    const TargetLevels *levels, const char *name, Arena *arena, Diagnostics *diagnostics) {
    return levels->platform ? target_find_processor(levels->platform, name, arena, diagnostics)
                            : target_find(name, arena, diagnostics);
}

const Target *target_levels_base(
    const TargetLevels *levels, Arena *arena, Diagnostics *diagnostics) {
    return target_named(levels, levels->base, arena, diagnostics);
}

const Target *target_levels_target(
    const TargetLevels *levels, int index, Arena *arena, Diagnostics *diagnostics) {
    const TargetLevel *level = &levels->levels[index];
    const Target *target = target_named(levels, level->target, arena, diagnostics);
    if (target == NULL || level->features == NULL)
        return target;
    Target *with_features = ARENA_NEW(arena, Target);
    *with_features = *target;
    with_features->features = arena_format(
        arena, "%s%s%s", target->features, target->features[0] ? "," : "", level->features);
    return with_features;
}

/* Who asks the system needs one that can be asked. */
static bool platform_fits(
    const TargetLevels *levels, const char *platform, Arena *arena, Diagnostics *diagnostics) {
    const Target *target = target_find(platform, arena, diagnostics);
    Architecture architecture = target_class(levels->base)->architecture;
    if (target == NULL)
        return false;
    if (target->architecture != architecture)
        diagnostics_error(diagnostics, "`riffle targets` lists the platforms",
            "'%s' is for %s, and '%s' is %s", levels->name, architecture_name(architecture),
            platform, architecture_name(target->architecture));
    else if (target->format != FORMAT_ELF)
        diagnostics_error(diagnostics,
            arena_format(arena, "give one of them: --cpu %s", target_levels_example(levels)),
            "'%s' is for Linux and Android, and '%s' is neither", levels->name, platform);
    else
        return true;
    return false;
}

const TargetLevels *target_levels_on(
    const TargetLevels *levels, const char *platform, Arena *arena, Diagnostics *diagnostics) {
    if (!platform_fits(levels, platform, arena, diagnostics))
        return NULL;
    TargetLevels *found = ARENA_NEW(arena, TargetLevels);
    *found = *levels;
    found->platform = platform;
    found->name = arena_format(arena, "%s on %s", levels->name, platform);
    const Target *base = target_levels_base(found, arena, diagnostics);
    if (base == NULL) /* a processor already */
        return NULL;
    found->triple = base->triple;
    return strcmp(base->triple, levels->triple) == 0 ? levels : found;
}
