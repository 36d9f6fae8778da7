/* riffle tune: measures tiles and chains on this machine and writes what was best. */
#include "backends/backends.h"
#include "backends/schedule/tuning_text.h"
#include "driver/tune.h"
#include "ir/quote.h"
#include "ir/write_files.h"

#include <stdio.h>
#include <string.h>

enum { OPTION_SECONDS = 1000, OPTION_CANDIDATES };

typedef struct Options {
    ModelOptions model;
    Session *session;
    TuneOptions tune;
    int64_t candidates;
    const char *output; /* NULL: NAME.tuning */
} Options;

static error_t parse_option(int key, char *argument, struct argp_state *state) {
    Options *options = state->input;
    Session *session = options->session;
    switch (key) {
    case ARGP_KEY_INIT:
        model_options_init(state, &options->model, 5);
        return 0;
    case 'o':
        options->output = argument;
        return 0;
    case OPTION_SECONDS:
        return option_number(session, "--seconds", argument, 0.01, 3600, &options->tune.seconds)
                   ? 0
                   : EINVAL;
    case OPTION_CANDIDATES:
        return option_integer(session, "--candidates", argument, 1, 8, &options->candidates)
                   ? 0
                   : EINVAL;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option options_table[] = {
    {"output", 'o', "FILE", 0, "Write the choices there (default: NAME.tuning)", 0},
    {"seconds", OPTION_SECONDS, "N", 0,
        "Time each of the three comparisons for about this long (default 1)", 0},
    {"candidates", OPTION_CANDIDATES, "N", 0,
        "Try so many tiles for each shape of layer, 1 to 8 (default 4)", 0},
    {0}};

static const struct argp_child children[] = {{&spec_argp, 0, NULL, 0}, {&weights_argp, 0, NULL, 0},
    {&passes_argp, 0, NULL, 0}, {&target_argp, 0, NULL, 0}, {&runner_argp, 0, NULL, 0}, {0}};

static const struct argp argp = {.options = options_table,
    .parser = parse_option,
    .args_doc = "SPEC",
    .doc = "Measures on this machine which register tiles the convolutions of a network are best "
           "computed with, and which layers in one kernel, and writes the choices to a small text "
           "that `riffle compile --tuning FILE` reads. Without weights, random ones are used: they "
           "do not matter for the choices.\v"
           "The same text gives the same library on any machine. Choices are by the shape of a "
           "layer, so the text of one network also serves others.\n"
           "\n"
           "Examples:\n"
           "  riffle tune examples/shufflenet_v2.rfl -o v2.tuning\n"
           "  riffle compile examples/shufflenet_v2.rfl --random-weights 1 --target native \\\n"
           "      --tuning v2.tuning -o out/\n",
    .children = children};

static void print_report(
    const Options *options, const CompiledModel *compiled, const TuneReport *report) {
    int tiles = 0, joined = 0, links = 0;
    for (int i = 0; i < report->tuning->count; i++) {
        const TuningEntry *entry = &report->tuning->entries[i];
        tiles += entry->kind == TUNING_TILE;
        links += entry->kind == TUNING_LINK;
        joined += entry->kind == TUNING_LINK && entry->values[0];
    }
    printf("%s for %s: %d forms tried\n", compiled->model.graph->name, compiled->target->name,
        report->tried);
    printf("  tiles   %d shapes of layers, %d other than the model's choice\n", tiles,
        report->changed_tiles);
    printf("  chains  %d pairs of layers, %d joined\n", links, joined);
    printf("  time    %.4f ms by the model, %.4f ms as measured (one thread, steps added up)\n",
        1e3 * report->model_seconds, 1e3 * report->tuned_seconds);
    printf("%s written\n", quote_copy(options->session->arena, options->output));
}

static bool write_tuning(const Options *options, const Tuning *tuning) {
    Text text = {0};
    tuning_print(tuning, &text);
    int error = text_write_file(&text, options->output);
    text_free(&text);
    if (error != 0)
        report_unwritten(options->session->diagnostics, options->output, error);
    return error == 0;
}

static bool run(Options *options, CompiledModel *compiled) {
    TuneReport report = {0};
    if (options->model.tuning_file != NULL) {
        diagnostics_error(
            options->session->diagnostics, NULL, "--tuning is what this command makes");
        return false;
    }
    if (model_target(&options->model) == NULL) /* not one target, too */
        return false;
    if (!model_compile(&options->model, true, compiled))
        return false;
    if (options->output == NULL)
        options->output =
            arena_format(options->session->arena, "%s.tuning", compiled->model.graph->name);
    if (!tune(&options->model, compiled, &options->tune, &report) ||
        !write_tuning(options, report.tuning))
        return false;
    print_report(options, compiled, &report);
    return true;
}

int command_tune(int argc, char **argv) {
    Session session = session_begin();
    Options options = {.session = &session, .tune.seconds = 1, .candidates = 4};
    options.model = model_options(&session, "native");
    if (!command_line_parse(&argp, argc, argv, &options, &session))
        return session_finish(&session, EXIT_USAGE);
    if (options.model.weights_file == NULL && !options.model.random_weights)
        options.model.random_weights = true;
    options.tune.candidates = (int)options.candidates;
    CompiledModel compiled = {0};
    bool done = run(&options, &compiled);
    compiled_model_close(&compiled);
    return session_finish(&session, done ? EXIT_DONE : EXIT_FAILED);
}
