/* The table of passes, and registries that hold more than the table. */
#include "passes/option_value.h"
#include "passes/passes.h"
#include "passes/rewrite.h"

#include <assert.h>
#include <string.h>

/* As in the table of ops: each PASS row closes the array of the pass before it (with an empty row)
 * and opens its own. */
/* clang-format off */
static const PassOption options_of_no_pass[] = {
#define PASS(function, ...) {0}}; static const PassOption options_of_##function[] = {
#define OPTION(function, name, kind, default_text, least, most, meaning) \
    {name, PASS_OPTION_##kind, default_text, least, most, meaning},
#include "passes/passes.def"
{0}};

#define COUNT_OF(array) ((int)(sizeof(array) / sizeof((array)[0])))
static const Pass passes[] = {
#define PASS(function, name, summary, statistic)          \
    {name, summary, statistic, pass_##function,           \
        options_of_##function, COUNT_OF(options_of_##function) - 1, NULL},
#include "passes/passes.def"
};
/* clang-format on */

const Pass *pass_table(size_t *count) {
    (void)options_of_no_pass;
    *count = sizeof passes / sizeof passes[0];
    return passes;
}

struct PassRegistry {
    Arena *arena;
    const Pass **passes;
    size_t count, capacity;
};

static void append(PassRegistry *registry, const Pass *pass) {
    if (registry->count == registry->capacity) {
        size_t capacity = 2 * registry->capacity + 16;
        const Pass **grown = ARENA_ARRAY(registry->arena, const Pass *, capacity);
        if (registry->count > 0)
            memcpy(grown, registry->passes, registry->count * sizeof grown[0]);
        registry->passes = grown;
        registry->capacity = capacity;
    }
    registry->passes[registry->count++] = pass;
}

PassRegistry *pass_registry_create(Arena *arena) {
    PassRegistry *registry = ARENA_NEW(arena, PassRegistry);
    registry->arena = arena;
    size_t count;
    const Pass *table = pass_table(&count);
    for (size_t i = 0; i < count; i++)
        append(registry, &table[i]);
    return registry;
}

static bool check_name(const char *name, const char *what, Diagnostics *diagnostics) {
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789-";
    if (name[0] != '\0' && name[strspn(name, letters)] == '\0')
        return true;
    diagnostics_error(diagnostics, "lower-case letters, digits and '-' make a name",
        "'%s' is no name for %s", name, what);
    return false;
}

static bool check_options(const Pass *pass, Diagnostics *diagnostics) {
    bool good = true;
    for (int i = 0; i < pass->option_count; i++) {
        const PassOption *option = &pass->options[i];
        good = check_name(option->name, "an option", diagnostics) && good;
        for (int k = 0; k < i; k++) {
            if (strcmp(pass->options[k].name, option->name) != 0)
                continue;
            diagnostics_error(diagnostics, NULL, "the pass '%s' has two options of the name '%s'",
                pass->name, option->name);
            good = false;
        }
        PassOptionValue value;
        if (option_value_read(option, option->default_text, &value))
            continue;
        diagnostics_error(diagnostics, NULL, "the pass '%s': the default '%s' of '%s' is no value",
            pass->name, option->default_text, option->name);
        good = false;
    }
    return good;
}

bool pass_registry_add(PassRegistry *registry, const Pass *pass, Diagnostics *diagnostics) {
    bool good = check_name(pass->name, "a pass", diagnostics);
    if (pass_registry_find(registry, pass->name) != NULL) {
        diagnostics_error(
            diagnostics, NULL, "there is already a pass of the name '%s'", pass->name);
        good = false;
    }
    good = check_options(pass, diagnostics) && good;
    if (good)
        append(registry, pass);
    return good;
}

size_t pass_registry_count(const PassRegistry *registry) {
    return registry->count;
}

const Pass *pass_registry_at(const PassRegistry *registry, size_t index) {
    assert(index < registry->count);
    return registry->passes[index];
}

const Pass *pass_registry_find(const PassRegistry *registry, const char *name) {
    for (size_t i = 0; i < registry->count; i++)
        if (strcmp(registry->passes[i]->name, name) == 0)
            return registry->passes[i];
    return NULL;
}

const char *pass_registry_hint(const PassRegistry *registry, const char *name, Arena *arena) {
    const char **names = ARENA_ARRAY(arena, const char *, registry->count);
    for (size_t i = 0; i < registry->count; i++)
        names[i] = registry->passes[i]->name;
    const char *closest = closest_word(name, names, registry->count);
    return closest != NULL ? arena_format(arena, "did you mean '%s'?", closest)
                           : "'riffle passes' lists all passes";
}
