#include "tests/kernels/example_graph.h"
#include "driver/model.h"
#include "driver/precision.h"
#include <stdlib.h>
#include <string.h>

enum { MOST_SETTINGS = 8, PARTS = 3 };

bool example_has_turn(int group) {
    const char *seed = getenv("RIFFLE_TEST_SEED");
    return seed == NULL || (unsigned)group % PARTS == strtoul(seed, NULL, 10) % PARTS;
}

static const char *take_settings(ModelOptions *options, char *list, Arena *arena) {
    options->settings = ARENA_ARRAY(arena, Setting, MOST_SETTINGS);
    for (char *word; list != NULL && (word = strsep(&list, ";")) != NULL;) {
        char *value = strchr(word, '=');
        if (value == NULL || options->setting_count == MOST_SETTINGS)
            return arena_format(arena, "'%s' is no setting", word);
        *value = '\0';
        options->settings[options->setting_count++] = (Setting){word, value + 1};
    }
    return NULL;
}

bool example_graph(const char *spec, const char *precision, const char *target, Session *session,
    ModelOptions *options, Model *model) {
    char *file = arena_copy_string(session->arena, spec), *settings = strchr(file, ':');
    if (settings != NULL)
        *settings++ = '\0';
    *options = model_options(session, target);
    options->spec = arena_format(session->arena, "%s/examples/%s", RIFFLE_SOURCE_DIR, file);
    options->random_weights = options->random_calibration = true;
    options->seed = 1;
    options->registry = pass_registry_create(session->arena);
    const char *fault = take_settings(options, settings, session->arena);
    if (fault != NULL)
        diagnostics_error(session->diagnostics, NULL, "%s", fault);
    return fault == NULL && precision_parse(session, precision, &options->precision) &&
           model_read(options, model) && model_load_weights(options, model) &&
           model_run_passes(options, model);
}
