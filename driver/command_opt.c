/* riffle opt: passes over the textual graph IR, for those who write passes. */
#include "driver/opt.h"

#include <errno.h>
#include <string.h>

enum {
    OPTION_CHECK = 2000,
    OPTION_CHECK_EACH,
    OPTION_CHECK_SEED,
    OPTION_STATS,
    OPTION_TIME_PASSES,
    OPTION_PRINT_PIPELINE,
    OPTION_PRINT_BEFORE,
    OPTION_PRINT_AFTER,
    OPTION_PRINT_REWRITES,
    OPTION_STOP_AFTER,
    OPTION_BISECT,
    OPTION_BISECT_COMMAND,
    OPTION_REPRODUCER,
    OPTION_TIMEOUT,
    OPTION_NO_FORK,
    OPTION_ABLATE,
    OPTION_DOT,
    OPTION_SVG,
    OPTION_DRAW_PASS,
    OPTION_DRAW_ONLY,
    OPTION_TEST_RULES,
    OPTION_REMARKS,
    OPTION_PRINT_CHANGED
};

enum { DEFAULT_TEST_GRAPHS = 40 };

static const struct argp_option options[] = {{NULL, 0, NULL, 0, "Output:", 5},
    {NULL, 'o', "FILE", 0, "Write the graph to FILE (default: standard output)", 0},
    {"stop-after", OPTION_STOP_AFTER, "PASS", 0,
        "End the pipeline after the first run of this pass; PASS#2 is its second", 0},
    {NULL, 0, NULL, 0, "Looking on (standard error):", 6},
    {"print-pipeline", OPTION_PRINT_PIPELINE, NULL, 0,
        "Print the pipeline to standard output, and do nothing else", 0},
    {"print-before", OPTION_PRINT_BEFORE, "PASS", 0, "The same, before it", 0},
    {"print-after", OPTION_PRINT_AFTER, "PASS", 0,
        "Print the graph after each run of this pass, after its second one (PASS#2), or after "
        "'all'; several are separated by commas",
        0},
    {"print-rewrites", OPTION_PRINT_REWRITES, NULL, 0,
        "Print each rewrite: its number in the pass, and the node where it begins", 0},
    {"print-changed", OPTION_PRINT_CHANGED, "diff", OPTION_ARG_OPTIONAL,
        "Print the graph after each pass that changed it, or the lines that are others than before",
        0},
    {"remarks", OPTION_REMARKS, NULL, 0,
        "Say where a pass or a rule found all that it looks for but for one condition", 0},
    {"stats", OPTION_STATS, "json", OPTION_ARG_OPTIONAL,
        "Print what each pass did, as a table or as JSON", 0},
    {"time-passes", OPTION_TIME_PASSES, "json", OPTION_ARG_OPTIONAL,
        "Print how long each pass took, as a table or as JSON", 0},
    {NULL, 0, NULL, 0, "Checking (with random weights, unless some are given):", 7},
    {"check", OPTION_CHECK, NULL, 0,
        "Interpret the graph before and after the pipeline on the same random input and fail when "
        "outputs differ by more than 1e-4 of the largest",
        0},
    {"check-each", OPTION_CHECK_EACH, "exact", OPTION_ARG_OPTIONAL,
        "The same before and after each pass, and the verifier; 'exact' proves each pass instead, "
        "with numbers that are never rounded",
        0},
    {"check-seed", OPTION_CHECK_SEED, "SEED", 0, "Seed of that input (default 0)", 0},
    {"test-rules", OPTION_TEST_RULES, "GRAPHS", OPTION_ARG_OPTIONAL,
        "Try the rules of --rules on so many random graphs that they fit (default 40), and on "
        "graphs that they fit but for one condition, and do nothing else; --check-seed is the seed",
        0},
    {"bisect", OPTION_BISECT, NULL, 0,
        "Name the first pass, and the first rewrite in it, after which the verifier or that "
        "comparison fails",
        0},
    {"bisect-command", OPTION_BISECT_COMMAND, "COMMAND", 0,
        "The same for a check of your own: 'COMMAND FILE.rir', run by the shell, fails unless its "
        "exit status is 0",
        0},
    {"reproducer", OPTION_REPRODUCER, "FILE", 0,
        "Where to write the graph before a pass that fails, with the rest of the pipeline "
        "(default: NAME.reproducer.rir)",
        0},
    {"timeout", OPTION_TIMEOUT, "SECONDS", 0,
        "Let a pass (and a trial of --bisect) that takes longer fail (default: none does)", 0},
    {"no-fork", OPTION_NO_FORK, NULL, 0,
        "Run the passes in the first process, for debuggers; a crash then leaves no reproducer", 0},
    {NULL, 0, NULL, 0, "Pictures (then the graph is printed only with -o):", 8},
    {"svg", OPTION_SVG, "FILE", 0,
        "Draw the graph after the pipeline, with the ranges of channels that layout ops take; "
        "needs Graphviz's dot",
        0},
    {"dot", OPTION_DOT, "FILE", 0, "The same in Graphviz's language", 0},
    {"draw-pass", OPTION_DRAW_PASS, "PASS", 0,
        "Draw the graph before and after this pass instead, side by side", 0},
    {"draw-only", OPTION_DRAW_ONLY, "PATH", 0,
        "Draw only nodes whose path is PATH or begins with 'PATH.'", 0},
    {NULL, 0, NULL, 0, "Measuring (on this machine):", 9},
    {"ablate", OPTION_ABLATE, "passes|steps", OPTION_ARG_OPTIONAL,
        "Compile the network with each pass of the pipeline left out in turn (or each single "
        "step), "
        "and print what that costs, and nothing else; 'riffle bench --ablate' has more options",
        0},
    {0}};

static const struct argp_child children[] = {
    {&spec_argp, 0, NULL, 0}, {&weights_argp, 0, NULL, 0}, {&passes_argp, 0, NULL, 0}, {0}};
enum { CHILD_COUNT = sizeof children / sizeof children[0] - 1 };

/* A mistake is reported, and the rest of the line is read for more. */
static error_t take_form(OptOptions *opt, const char *option, const char *text, ReportForm *form) {
    if (text == NULL) {
        *form = REPORT_TEXT;
    } else if (strcmp(text, "json") == 0) {
        *form = REPORT_JSON;
    } else {
        diagnostics_error(opt->model.session->diagnostics, NULL,
            "'%s' is no form of %s: give json, or nothing for a table", text, option);
    }
    return 0;
}

static error_t take_changed(OptOptions *opt, const char *text) {
    opt->print_changed = text == NULL ? CHANGED_GRAPH : CHANGED_DIFF;
    if (text != NULL && strcmp(text, "diff") != 0)
        diagnostics_error(opt->model.session->diagnostics, NULL,
            "'%s' is no form of --print-changed: give diff, or nothing for the graph", text);
    return 0;
}

static error_t take_check(OptOptions *opt, const char *text) {
    opt->check_each = true;
    opt->check_exact = text != NULL;
    if (text != NULL && strcmp(text, "exact") != 0)
        diagnostics_error(opt->model.session->diagnostics, NULL,
            "'%s' is no form of --check-each: give exact, or nothing for a tolerance", text);
    return 0;
}

static error_t parse_check_option(int key, char *argument, OptOptions *opt) {
    switch (key) {
    case OPTION_CHECK:
        opt->check = true;
        return 0;
    case OPTION_CHECK_EACH:
        return take_check(opt, argument);
    case OPTION_CHECK_SEED:
        return option_integer(
                   opt->model.session, "--check-seed", argument, 0, INT64_MAX, &opt->check_seed)
                   ? 0
                   : EINVAL;
    case OPTION_TEST_RULES:
        opt->model.spec_optional = true;
        opt->test_rules = DEFAULT_TEST_GRAPHS;
        return argument == NULL || option_integer(opt->model.session, "--test-rules", argument, 1,
                                       1000000, &opt->test_rules)
                   ? 0
                   : EINVAL;
    case OPTION_BISECT_COMMAND:
        opt->bisect_command = argument;
        opt->bisect = true;
        return 0;
    case OPTION_BISECT:
        opt->bisect = true;
        return 0;
    case OPTION_REPRODUCER:
        opt->reproducer = argument;
        return 0;
    case OPTION_TIMEOUT:
        return option_integer(opt->model.session, "--timeout", argument, 1, 1000000, &opt->timeout)
                   ? 0
                   : EINVAL;
    case OPTION_NO_FORK:
        opt->no_fork = true;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static error_t parse_picture_option(int key, char *argument, OptOptions *opt) {
    switch (key) {
    case OPTION_DOT:
        opt->dot_file = argument;
        return 0;
    case OPTION_SVG:
        opt->svg_file = argument;
        return 0;
    case OPTION_DRAW_PASS:
        opt->draw_pass = argument;
        return 0;
    case OPTION_DRAW_ONLY:
        opt->draw_only = argument;
        return 0;
    default:
        return parse_check_option(key, argument, opt);
    }
}

static error_t parse_option(int key, char *argument, struct argp_state *state) {
    OptOptions *opt = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        model_options_init(state, &opt->model, CHILD_COUNT);
        return 0;
    case 'o':
        opt->output = argument;
        return 0;
    case OPTION_STOP_AFTER:
        opt->stop_after = argument;
        return 0;
    case OPTION_PRINT_BEFORE:
        opt->print_before = argument;
        return 0;
    case OPTION_PRINT_AFTER:
        opt->print_after = argument;
        return 0;
    case OPTION_PRINT_REWRITES:
        opt->print_rewrites = true;
        return 0;
    case OPTION_REMARKS:
        opt->remarks = true;
        return 0;
    case OPTION_PRINT_CHANGED:
        return take_changed(opt, argument);
    case OPTION_PRINT_PIPELINE:
        opt->print_pipeline = opt->model.spec_optional = true;
        return 0;
    case OPTION_STATS:
        return take_form(opt, "--stats", argument, &opt->stats);
    case OPTION_ABLATE:
        return ablation_unit_parse(opt->model.session, argument, &opt->ablate) ? 0 : EINVAL;
    case OPTION_TIME_PASSES:
        return take_form(opt, "--time-passes", argument, &opt->times);
    default:
        return parse_picture_option(key, argument, opt);
    }
}

static const struct argp argp = {
    .options = options,
    .parser = parse_option,
    .args_doc = "SPEC",
    .doc = "Run passes over a graph and print it as textual IR (.rir). SPEC is a .rir file, '-' "
           "for one on standard input, or a spec, whose graph is built first.\v"
           "Examples:\n"
           "  riffle opt net.rir --passes='fold-batchnorm,sink-activation{depth=4}'\n"
           "  riffle opt examples/shufflenet_v2.rfl -O2 --stats --time-passes -o v2.rir\n"
           "  riffle opt net.rir -O2 --stop-after=fold-bias#2 --print-before=fold-bias\n"
           "  riffle opt net.rir -O2 --check-each\n"
           "  riffle opt net.rir -O2 --check-each=exact -o /dev/null\n"
           "  riffle opt net.rir -O2 --bisect\n"
           "  riffle opt net.rir -O2 --ablate\n"
           "  riffle opt net.rir -O2 --draw-pass=absorb-route --svg=routes.svg\n"
           "  riffle opt -O2 --print-pipeline\n"
           "  riffle opt --rules=mine.rfl --test-rules\n"
           "\n"
           "'riffle passes' lists the passes. A pass that fails or crashes leaves a reproducer, a "
           ".rir file that carries the rest of the pipeline: 'riffle opt FILE' runs it again. "
           "Weights that a pass computes are declared in the output, but no data is written.",
    .children = children,
};

/* ---- the work ---- */

static int print_pipeline(OptOptions *opt) {
    Session *session = opt->model.session;
    Model model = {0};
    Pipeline *pipeline = NULL;
    if (opt->model.spec == NULL || model_read(&opt->model, &model))
        pipeline = opt_pipeline(opt, model.ir_text);
    if (pipeline != NULL) {
        Text text = {0};
        pipeline_print(pipeline, 0, &text);
        text_append(&text, "\n");
        fputs(text.data, stdout);
        text_free(&text);
    }
    return session_finish(session, pipeline != NULL ? EXIT_DONE : EXIT_FAILED);
}

/* What 'riffle bench --ablate' does when nothing else is said. */
static int measure_passes(OptOptions *opt) {
    opt->model.target = "native";
    opt->model.random_weights = opt->model.random_weights || opt->model.weights_file == NULL;
    AblateOptions ablation = {.unit = opt->ablate, .seconds = 3, .threads = 1};
    bool done = ablate(&opt->model, &ablation);
    return session_finish(opt->model.session, done ? EXIT_DONE : EXIT_FAILED);
}

static bool options_fit(const OptOptions *opt) {
    Diagnostics *diagnostics = opt->model.session->diagnostics;
    bool fit = !opt->bisect || !opt->no_fork;
    if (!fit)
        diagnostics_error(diagnostics, NULL,
            "--bisect needs processes for its trials: it cannot be used with --no-fork");
    if (opt_draws(opt) || (opt->draw_pass == NULL && opt->draw_only == NULL))
        return fit;
    diagnostics_error(diagnostics, NULL,
        "--draw-pass and --draw-only need a file to draw to: --svg=FILE or --dot=FILE");
    return false;
}

int opt_command(OptOptions *opt, int argc, char **argv) {
    Session *session = opt->model.session;
    opt->model.stdin_is_ir = true;
    if (!command_line_parse(&argp, argc, argv, opt, session) || !options_fit(opt))
        return session_finish(session, EXIT_USAGE);
    if (opt->print_pipeline)
        return print_pipeline(opt);
    if (opt->test_rules > 0)
        return opt_test_rules(opt);
    if (opt->ablate != ABLATE_NOTHING)
        return measure_passes(opt);
    OptRun run = {.opt = opt, .progress = opt_progress_create()};
    if (run.progress == NULL) {
        diagnostics_error(session->diagnostics, NULL, "there is no memory to share");
        return session_finish(session, EXIT_FAILED);
    }
    if (!opt_prepare(opt, &run))
        return opt_finish(&run, EXIT_FAILED);
    return opt->bisect ? opt_bisect(&run) : opt_run_guarded(&run);
}

int command_opt(int argc, char **argv) {
    Session session = session_begin();
    OptOptions opt = {.model = model_options(&session, NULL)};
    return opt_command(&opt, argc, argv);
}
