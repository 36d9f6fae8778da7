/* riffle opt: passes over the textual graph IR, for those who write passes. */
#include "driver/model.h"
#include "driver/table.h"

#include "passes/passes.h"
#include <errno.h>
#include <math.h>
#include <string.h>

enum { MOST_REPORTS = 256, LARGEST_TEXT = 1 << 28 };
static const double largest_allowed_difference = 1e-4;

enum { OPTION_CHECK = 2000, OPTION_STATS, OPTION_PRINT_AFTER };

typedef struct OptOptions {
    ModelOptions model;
    const char *output;      /* NULL: standard output */
    const char *print_after; /* NULL, a pass, or "all" */
    bool check, stats;
} OptOptions;

/* ---- command line ---- */

static const struct argp_option options[] = {{NULL, 0, NULL, 0, "Output:", 5},
    {NULL, 'o', "FILE", 0, "Write the graph to FILE (default: standard output)", 0},
    {"print-after", OPTION_PRINT_AFTER, "PASS", 0,
        "Print the graph to standard error after each run of this pass, or after 'all'", 0},
    {"stats", OPTION_STATS, NULL, 0, "Print what each pass did to standard error", 0},
    {"check", OPTION_CHECK, NULL, 0,
        "Interpret the graph before and after on the same random input and fail when outputs "
        "differ "
        "by more than 1e-4 of the largest (with random weights, unless some are given)",
        0},
    {0}};

static const struct argp_child children[] = {
    {&spec_argp, 0, NULL, 0}, {&weights_argp, 0, NULL, 0}, {&passes_argp, 0, NULL, 0}, {0}};
enum { CHILD_COUNT = sizeof children / sizeof children[0] - 1 };

static error_t parse_option(int key, char *argument, struct argp_state *state) {
    OptOptions *opt = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        model_options_init(state, &opt->model, CHILD_COUNT);
        return 0;
    case 'o':
        opt->output = argument;
        return 0;
    case OPTION_PRINT_AFTER:
        opt->print_after = argument;
        return 0;
    case OPTION_STATS:
        opt->stats = true;
        return 0;
    case OPTION_CHECK:
        opt->check = true;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {
    .options = options,
    .parser = parse_option,
    .args_doc = "SPEC",
    .doc = "Run passes over a graph and print it as textual IR (.rir). SPEC is a .rir file, '-' "
           "for one "
           "on standard input, or a spec, whose graph is built first.\v"
           "Examples:\n"
           "  riffle opt net.rir --passes=fold-batchnorm,merge-layout\n"
           "  riffle opt examples/shufflenet_v2.rfl -O2 --stats -o v2.rir\n"
           "  riffle opt net.rir -O1 --verify-each --check\n"
           "\n"
           "'riffle passes' lists the passes. Weights that a pass computes are declared in the "
           "output, "
           "but no data is written.",
    .children = children,
};

/* ---- what it prints beside the graph ---- */

static bool print_graph_after(
    void *context, const PipelineStep *step, const Graph *graph, Diagnostics *diagnostics) {
    (void)diagnostics;
    const OptOptions *opt = context;
    const Pass *pass = step->pass;
    if (strcmp(opt->print_after, "all") != 0 && strcmp(opt->print_after, pass->name) != 0)
        return true;
    Text text = {0};
    text_format(&text, "# after %s\n", pass->name);
    graph_print(graph, &text);
    fwrite(text.data, 1, text.length, stderr);
    text_free(&text);
    return true;
}

static void print_stats(const PipelineOptions *pipeline) {
    static const TableColumn columns[] = {{"pass", ALIGN_LEFT}, {"rewrites", ALIGN_RIGHT},
        {"nodes before", ALIGN_RIGHT}, {"after", ALIGN_RIGHT}, {"ms", ALIGN_RIGHT}};
    Table table = table_create(columns, 5);
    for (int i = 0; i < pipeline->report_count; i++) {
        const PassReport *report = &pipeline->reports[i];
        char rewrites[24], before[24], after[24], time[32];
        snprintf(rewrites, sizeof rewrites, "%lld", (long long)report->rewrites);
        snprintf(before, sizeof before, "%d", report->nodes_before);
        snprintf(after, sizeof after, "%d", report->nodes_after);
        snprintf(time, sizeof time, "%.2f", report->seconds * 1e3);
        table_add_row(&table, (const char *const[]){report->name, rewrites, before, after, time});
    }
    Text text = {0};
    table_print(&table, &text);
    fwrite(text.data, 1, text.length, stderr);
    text_free(&text);
    table_free(&table);
}

/* ---- the work ---- */

static bool read_model(OptOptions *opt, Model *model) {
    Session *session = opt->model.session;
    if (strcmp(opt->model.spec, "-") != 0)
        return model_read(&opt->model, model);
    SourceFile *file =
        source_file_read_text(opt->model.spec, LARGEST_TEXT, session->arena, session->diagnostics);
    model->graph = file == NULL ? NULL : graph_parse(file, session->arena, session->diagnostics);
    return model->graph != NULL;
}

static bool check_print_after(const OptOptions *opt) {
    if (opt->print_after == NULL || strcmp(opt->print_after, "all") == 0 ||
        pass_registry_find(pass_registry_create(opt->model.session->arena), opt->print_after) !=
            NULL)
        return true;
    diagnostics_error(opt->model.session->diagnostics, "'riffle passes' lists all passes",
        "--print-after: unknown pass '%s'", opt->print_after);
    return false;
}

static bool run_passes(OptOptions *opt, Graph *graph) {
    PassReport reports[MOST_REPORTS];
    PipelineOptions pipeline = {
        .verify_each = opt->model.verify_each, .reports = reports, .report_capacity = MOST_REPORTS};
    if (opt->print_after != NULL) {
        pipeline.after = print_graph_after;
        pipeline.context = opt;
    }
    bool succeeded = pipeline_run(
        graph, model_pipeline(&opt->model), &pipeline, opt->model.session->diagnostics);
    if (opt->stats)
        print_stats(&pipeline);
    return succeeded;
}

static bool check_difference(const OptOptions *opt, const Graph *before, const Graph *after) {
    Diagnostics *diagnostics = opt->model.session->diagnostics;
    size_t errors_before = diagnostics_error_count(diagnostics);
    double difference = graph_difference(before, after, (uint64_t)opt->model.seed, diagnostics);
    if (diagnostics_error_count(diagnostics) > errors_before)
        return false;
    fprintf(stderr, "largest difference: %.3g of the largest output\n", difference);
    if (difference <= largest_allowed_difference)
        return true;
    diagnostics_error(diagnostics, NULL, "the graph computes something else after the passes '%s'",
        model_pipeline(&opt->model));
    return false;
}

static bool write_graph(const OptOptions *opt, const Graph *graph) {
    Text text = {0};
    graph_print(graph, &text);
    int error = 0;
    if (opt->output != NULL && strcmp(opt->output, "-") != 0)
        error = text_write_file(&text, opt->output);
    else
        fwrite(text.data, 1, text.length, stdout);
    text_free(&text);
    if (error != 0)
        diagnostics_error(opt->model.session->diagnostics, NULL, "cannot write %s: %s", opt->output,
            strerror(error));
    return error == 0;
}

static bool optimise(OptOptions *opt, Model *model) {
    if (!check_print_after(opt) || !read_model(opt, model))
        return false;
    bool weights_given = opt->model.weights_file != NULL || opt->model.random_weights;
    if (opt->check && !weights_given)
        opt->model.random_weights = true;
    if ((opt->check || weights_given) && !model_load_weights(&opt->model, model))
        return false;
    const Graph *before = opt->check ? graph_copy(model->graph, opt->model.session->arena) : NULL;
    if (!run_passes(opt, model->graph) ||
        !graph_verify(model->graph, opt->model.session->diagnostics))
        return false;
    if (opt->check && !check_difference(opt, before, model->graph))
        return false;
    return write_graph(opt, model->graph);
}

int command_opt(int argc, char **argv) {
    Session session = session_begin();
    OptOptions opt = {.model = model_options(&session, NULL)};
    if (!command_line_parse(&argp, argc, argv, &opt, &session))
        return session_finish(&session, EXIT_USAGE);
    Model model = {0};
    bool succeeded = optimise(&opt, &model);
    model_close(&model);
    return session_finish(&session, succeeded ? EXIT_DONE : EXIT_FAILED);
}
