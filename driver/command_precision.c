/* riffle precision: what each layer adds to the error of a reduced precision, and which must stay
 * float. */
#include "driver/precision.h"
#include "driver/precision_search.h"
#include "ir/write_files.h"

#include <stdio.h>
#include <string.h>

enum { OPTION_BUDGET = 1000, OPTION_EVALUATE, OPTION_JSON, OPTION_COMPARE };

typedef struct PrecisionOptions {
    ModelOptions model;
    Session *session;
    PrecisionBudget budget;
    FileList evaluated;
    bool random, json, compare;
    const char *output; /* NULL: no map */
} PrecisionOptions;

static error_t parse_option(int key, char *argument, struct argp_state *state) {
    PrecisionOptions *options = state->input;
    Session *session = options->session;
    switch (key) {
    case ARGP_KEY_INIT:
        model_options_init(state, &options->model, 4);
        return 0;
    case 'o':
        options->output = argument;
        return 0;
    case OPTION_BUDGET:
        return budget_parse(session, argument, &options->budget) ? 0 : EINVAL;
    case OPTION_EVALUATE:
        if (strcmp(argument, "random") == 0) {
            options->random = true;
            return 0;
        }
        if (options->evaluated.paths == NULL)
            options->evaluated.paths = ARENA_ARRAY(session->arena, const char *, state->argc);
        options->evaluated.paths[options->evaluated.count++] = argument;
        return 0;
    case OPTION_COMPARE:
        options->compare = true;
        return 0;
    case OPTION_JSON:
        options->json = true;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option options_table[] = {
    {"budget", OPTION_BUDGET, "BUDGET", 0,
        "Keep as few layers float as this takes: 0.5% is the largest error, of the largest output; "
        "40dB the least ratio of signal to noise; top1=99% the share of inputs whose first class "
        "stays the same. May be given once of each kind",
        0},
    {"evaluate", OPTION_EVALUATE, "FILE", 0,
        "Measure on this picture or file of raw float32 numbers; may be repeated. 'random' makes "
        "inputs up (default: the files of --calibration)",
        0},
    {"compare", OPTION_COMPARE, NULL, 0,
        "With --precision int8: measure also other ways to calibrate and to round, all layers "
        "reduced",
        0},
    {"output", 'o', "FILE", 0, "Write the layers that stay float there, for --precision-map", 0},
    {"json", OPTION_JSON, NULL, 0, "Print JSON: layers, all_reduced, chosen", 0}, {0}};

static const struct argp_child children[] = {{&spec_argp, 0, NULL, 0}, {&weights_argp, 0, NULL, 0},
    {&passes_argp, 0, NULL, 0}, {&target_argp, 0, NULL, 0}, {0}};

static const struct argp argp = {.options = options_table,
    .parser = parse_option,
    .args_doc = "SPEC",
    .doc = "Measures how far the answers of a reduced precision are from those of fp32 when each "
           "layer alone is reduced, and when all are. With --budget it finds few layers that must "
           "stay float, and writes them to a small text that `riffle compile --precision-map FILE` "
           "reads.\v"
           "Networks are interpreted, as the precision has it on the target: the same inputs give "
           "the same choice on every machine.\n"
           "\n"
           "Examples:\n"
           "  riffle precision net.rfl --weights net.safetensors --precision int8 \\\n"
           "      --calibration a.jpg --calibration b.jpg --evaluate c.jpg --budget 2% -o net.map\n"
           "  riffle compile net.rfl --weights net.safetensors --precision int8 \\\n"
           "      --calibration a.jpg --calibration b.jpg --precision-map net.map -o out/\n",
    .children = children};

/* ---- the command ---- */

static bool check_options(PrecisionOptions *options) {
    Diagnostics *diagnostics = options->session->diagnostics;
    const ModelOptions *model = &options->model;
    if (model->precision == PRECISION_FP32) {
        diagnostics_error(
            diagnostics, "add --precision int8, bf16 or fp16", "this is about a reduced precision");
        return false;
    }
    if (model->precision_map != NULL) {
        diagnostics_error(diagnostics, NULL, "--precision-map is what this command makes");
        return false;
    }
    if (options->compare && !precision_has_ways(model->precision)) {
        diagnostics_error(diagnostics, NULL, "--compare: there is one way to reduce to %s",
            precision_name(model->precision));
        return false;
    }
    if (options->output != NULL && !budget_is_given(&options->budget)) {
        diagnostics_error(diagnostics, "add --budget 0.5%, 40dB or top1=99%",
            "which layers stay float is decided by a budget, and none was given");
        return false;
    }
    if (options->evaluated.count > 0 || options->random)
        return true;
    options->evaluated = model->calibration;
    options->random = model->random_calibration;
    if (options->evaluated.count > 0 || options->random)
        return true;
    diagnostics_error(diagnostics, "give --evaluate FILE for some typical inputs",
        "there is no input to measure on");
    return false;
}

static bool write_map(
    const PrecisionOptions *options, const Graph *as_written, const PrecisionSearch *search) {
    Session *session = options->session;
    const char **kept = ARENA_ARRAY(session->arena, const char *, search->count + 1);
    size_t count = 0;
    for (size_t i = 0; i < search->count; i++)
        if (search->layers[i].kept)
            kept[count++] = search->layers[i].layer.path;
    const char *about = arena_format(session->arena, "holds %s on %zu inputs",
        options->budget.spelling, search->evaluation->count);
    Text text = {0};
    bool done = precision_map_print(
        as_written, options->model.precision, about, kept, count, session, &text);
    int error = done ? text_write_file(&text, options->output) : 0;
    text_free(&text);
    if (error != 0)
        report_unwritten(session->diagnostics, options->output, error);
    return done && error == 0;
}

static void print_report(const PrecisionOptions *options, const PrecisionSearch *search) {
    Text text = {0};
    if (options->json)
        precision_report_json(search, &options->budget, &text);
    else
        precision_report(search, &options->budget, &text);
    fwrite(text.data, 1, text.length, stdout);
    text_free(&text);
}

static bool run(PrecisionOptions *options, Model *model) {
    Session *session = options->session;
    const Target *target = model_target(&options->model);
    if (target == NULL || !precision_has_target(&options->model, target))
        return false;
    if (!model_read(&options->model, model) || !model_load_weights(&options->model, model))
        return false;
    const Graph *as_written = graph_copy(model->graph, session->arena);
    Evaluation evaluation;
    if (!model_run_float_passes(&options->model, model))
        return false;
    const Graph *floats = graph_copy(model->graph, session->arena);
    if (!precision_prepare(&options->model, model->graph) ||
        !evaluation_create(
            model->graph, &options->evaluated, options->random, session, &evaluation))
        return false;
    PrecisionSearch search = {.options = &options->model,
        .evaluation = &evaluation,
        .prepared = model->graph,
        .session = session};
    if (!precision_measure(&search) ||
        (budget_is_given(&options->budget) && !precision_choose(&search, &options->budget)) ||
        !precision_estimate(&search, target) ||
        (options->compare && !precision_try_ways(&search, floats)) ||
        !weights_check(model->weight_file, session->diagnostics))
        return false;
    if (options->output != NULL && !write_map(options, as_written, &search))
        return false;
    print_report(options, &search);
    return true;
}

int command_precision(int argc, char **argv) {
    Session session = session_begin();
    PrecisionOptions options = {.session = &session, .budget = budget_none()};
    options.model = model_options(&session, "native");
    if (!command_line_parse(&argp, argc, argv, &options, &session) || !check_options(&options))
        return session_finish(&session, EXIT_USAGE);
    Model model = {0};
    bool done = run(&options, &model);
    model_close(&model);
    return session_finish(&session, done ? EXIT_DONE : EXIT_FAILED);
}
