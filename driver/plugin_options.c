#include "driver/plugin_options.h"

#include "passes/plugin.h"

enum { OPTION_LOAD_PASS_PLUGIN = 3000 };

static error_t parse_option(int key, char *argument, struct argp_state *state) {
    const PluginOptions *options = state->input;
    if (key != OPTION_LOAD_PASS_PLUGIN)
        return ARGP_ERR_UNKNOWN;
    Session *session = options->session;
    return pass_plugin_load(options->registry, argument, session->arena, session->diagnostics)
               ? 0
               : EINVAL;
}

static const struct argp_option options_table[] = {{NULL, 0, NULL, 0, "Passes of your own:", 3},
    {"load-pass-plugin", OPTION_LOAD_PASS_PLUGIN, "FILE", 0,
        "Take passes from a shared object, too; may be repeated", 0},
    {0}};

const struct argp plugin_argp = {.options = options_table, .parser = parse_option};
