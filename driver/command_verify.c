/* riffle verify: compiled code against the interpreter, which accumulates in double. Guard bytes
 * stand round every buffer, and outputs and workspace are NaN before each run. */
#include "driver/model.h"
#include "driver/precision.h"
#include "driver/table.h"
#include "driver/tensors.h"
#include "driver/verify_exact.h"
#include "ir/progress.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum {
    OPTION_COUNT = 1000,
    OPTION_SEED,
    OPTION_INPUT,
    OPTION_LAYERS,
    OPTION_TOLERANCE,
    OPTION_THREADS,
    OPTION_EVALUATE,
    OPTION_EXACT
};

typedef struct VerifyOptions {
    ModelOptions model;
    Session *session;
    int64_t count, seed, threads;
    bool count_given, tolerance_given, layers, exact;
    double tolerance;
    const char **inputs;
    size_t input_count;
    FileList evaluated;
} VerifyOptions;

/* How one tensor differs, over all runs. */
typedef struct Difference {
    const char *name;
    const TensorType *type;
    double largest_value; /* of the interpreter */
    double largest_difference;
    bool has_nan;
} Difference;

static error_t parse_option(int key, char *argument, struct argp_state *state) {
    VerifyOptions *options = state->input;
    Session *session = options->session;
    switch (key) {
    case ARGP_KEY_INIT:
        model_options_init(state, &options->model, 6);
        return 0;
    case OPTION_COUNT:
        options->count_given = true;
        return option_integer(session, "--count", argument, 0, 1000000, &options->count) ? 0
                                                                                         : EINVAL;
    case OPTION_SEED:
        return option_integer(session, "--seed", argument, 0, INT64_MAX, &options->seed) ? 0
                                                                                         : EINVAL;
    case OPTION_THREADS:
        return option_integer(session, "--threads", argument, 1, 1024, &options->threads) ? 0
                                                                                          : EINVAL;
    case OPTION_TOLERANCE:
        options->tolerance_given = true;
        return option_number(session, "--tolerance", argument, 0, 1, &options->tolerance) ? 0
                                                                                          : EINVAL;
    case OPTION_EVALUATE:
        if (options->evaluated.paths == NULL)
            options->evaluated.paths = ARENA_ARRAY(session->arena, const char *, state->argc);
        options->evaluated.paths[options->evaluated.count++] = argument;
        return 0;
    case OPTION_LAYERS:
        options->layers = true;
        return 0;
    case OPTION_EXACT:
        options->exact = true;
        return 0;
    case OPTION_INPUT:
        if (options->inputs == NULL)
            options->inputs = ARENA_ARRAY(session->arena, const char *, state->argc);
        options->inputs[options->input_count++] = argument;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option options_table[] = {
    {"count", OPTION_COUNT, "N", 0,
        "Compare on N random inputs (default 3, or 0 when --input is given)", 0},
    {"seed", OPTION_SEED, "SEED", 0, "Seed of the random inputs (default 1)", 0},
    {"input", OPTION_INPUT, "FILE", 0,
        "Compare on this raw float32 file; once for each input of the network, in order", 0},
    {"layers", OPTION_LAYERS, NULL, 0,
        "Compare the result of every layer after the passes, if it is of f32", 0},
    {"tolerance", OPTION_TOLERANCE, "NUMBER", 0,
        "Largest difference allowed, relative to the tensor's largest |value| (default 1e-4; with "
        "another precision 0.02, as a number in between may be rounded to the next one), "
        "and of what is evaluated "
        "from fp32 (default 0.5 with int8, 0.1 with bf16, 0.02 with fp16)",
        0},
    {"evaluate", OPTION_EVALUATE, "FILE", 0,
        "With another precision than fp32: compare its answers with those of fp32 on this picture "
        "or "
        "file of raw float32 numbers, and fail if they are further off than the tolerance; may be "
        "repeated",
        0},
    {"exact", OPTION_EXACT, NULL, 0,
        "Prove without tolerance that the kernels compute what the network after the passes does, "
        "with residues modulo a prime in place of numbers; --count is how often they are drawn",
        0},
    {"threads", OPTION_THREADS, "N", 0, "Share each run out to this many threads (default 1)", 0},
    {0}};

static const struct argp_child children[] = {{&spec_argp, 0, NULL, 0}, {&weights_argp, 0, NULL, 0},
    {&passes_argp, 0, NULL, 0}, {&target_argp, 0, NULL, 0}, {&backend_argp, 0, NULL, 0},
    {&runner_argp, 0, NULL, 0}, {0}};

static const struct argp argp = {.options = options_table,
    .parser = parse_option,
    .args_doc = "SPEC",
    .doc =
        "Runs the compiled network and the interpreter on the same inputs and compares the "
        "outputs. Exits with 1 when a difference is larger than the tolerance or code wrote "
        "outside its buffers. Without weights, random ones are used.\v"
        "The interpreter runs the network as written, before any pass, and accumulates in double "
        "precision. With --layers it runs the network after the passes, and every layer's result "
        "becomes an output of both.\n"
        "\n"
        "With --exact no code runs: the kernels are interpreted, and what they compute is held "
        "against the network after the passes without tolerance. Any target will do.\n"
        "\n"
        "Examples:\n"
        "  riffle verify examples/shufflenet_v2.rfl --count 5\n"
        "  riffle verify net.rfl --weights net.safetensors --target x86-64-v3 --layers\n"
        "  riffle verify net.rfl --exact --target cortex-a76\n",
    .children = children};

/* ---- every layer's result as an output ---- */

static bool is_output(const Graph *graph, const Value *value) {
    for (int i = 0; i < graph->output_count; i++) {
        if (graph->outputs[i].value == value)
            return true;
    }
    return false;
}

static const char *layer_name(const Node *node, int result, Arena *arena) {
    const char *path = *node->path != '\0' ? node->path : op_info(node->op)->name;
    return node->result_count == 1
               ? arena_format(arena, "%s (%s)", path, op_info(node->op)->name)
               : arena_format(arena, "%s (%s, result %d)", path, op_info(node->op)->name, result);
}

/* Outputs are of f32. */
static Graph *expose_layers(const Graph *graph, Arena *arena) {
    Graph *copy = graph_copy(graph, arena);
    for (Node *node = copy->first; node != NULL; node = node->next) {
        for (int i = 0; i < node->result_count; i++) {
            if (!is_output(copy, node->results[i]) && node->results[i]->type.element == ELEMENT_F32)
                graph_add_output(
                    copy, layer_name(node, i, arena), node->results[i], LAYOUT_NCHW, node->where);
        }
    }
    return copy;
}

/* ---- comparing ---- */

static void compare_output(
    const GraphOutput *output, const float *expected, const float *actual, Difference *difference) {
    int64_t count = tensor_elements(&output->value->type);
    difference->name = output->name;
    difference->type = &output->value->type;
    for (int64_t i = 0; i < count; i++) {
        double value = fabs((double)expected[i]);
        double error = fabs((double)expected[i] - (double)actual[i]);
        if (isinf(expected[i]) && expected[i] == actual[i])
            error = 0; /* both overflow: they agree */
        if (isnan(error))
            difference->has_nan = true;
        if (value > difference->largest_value && isfinite(value))
            difference->largest_value = value;
        if (error > difference->largest_difference)
            difference->largest_difference = error;
    }
}

static double relative(const Difference *difference) {
    if (difference->has_nan)
        return INFINITY;
    if (difference->largest_difference == 0)
        return 0;
    return difference->largest_value > 0
               ? difference->largest_difference / difference->largest_value
               : INFINITY;
}

/* One of each kind of run on the same inputs; outputs[i] are compared. */
static bool compare_run(const VerifyOptions *options, const Graph *oracle, Tensors *actual,
    Tensors *expected, const LoadedModel *loaded, riffle_pool *pool, Difference *differences) {
    Session *session = options->session;
    for (int i = 0; i < oracle->input_count; i++)
        memcpy(tensors_input(expected, i), tensors_input(actual, i), actual->buffers[i].bytes);
    if (!graph_interpret(
            oracle, expected->inputs, expected->outputs, NULL, NULL, session->diagnostics))
        return false;
    tensors_spoil(actual);
    if (!tensors_run(actual, loaded, pool, session))
        return false;
    for (int i = 0; i < oracle->input_count; i++) {
        if (memcmp(actual->inputs[i], expected->inputs[i], actual->buffers[i].bytes) != 0) {
            diagnostics_error(session->diagnostics, "this is a fault of riffle: please report it",
                "compiled code changed its input '%s'", actual->buffers[i].name);
            return false;
        }
    }
    for (int i = 0; i < oracle->output_count; i++)
        compare_output(
            &oracle->outputs[i], expected->outputs[i], actual->outputs[i], &differences[i]);
    return tensors_check_guards(actual, session);
}

static bool compare_runs(const VerifyOptions *options, const Graph *oracle, Tensors *actual,
    Tensors *expected, const LoadedModel *loaded, riffle_pool *pool, Difference *differences) {
    int64_t files = options->input_count > 0, count = files + options->count;
    int work = progress_begin("comparing on input", count);
    bool done = true;
    for (int64_t i = 0; done && i < count; i++) {
        progress_set(i + 1);
        if (i < files)
            done = tensors_read_inputs(
                actual, options->inputs, options->input_count, options->session);
        else
            tensors_randomize_inputs(actual, (uint64_t)(options->seed + i - files));
        done = done && compare_run(options, oracle, actual, expected, loaded, pool, differences);
    }
    progress_end(work);
    return done;
}

/* ---- reporting ---- */

static void add_difference(Table *table, const Difference *difference, double tolerance) {
    char value[32], error[32], ratio[32];
    Text shape = {0};
    for (int i = 0; i < difference->type->rank; i++)
        text_format(&shape, i > 0 ? "x%lld" : "%lld", (long long)difference->type->dims[i]);
    snprintf(value, sizeof value, "%.6g", difference->largest_value);
    snprintf(
        error, sizeof error, difference->has_nan ? "NaN" : "%.3g", difference->largest_difference);
    snprintf(ratio, sizeof ratio, "%.3g", relative(difference));
    const char *cells[] = {difference->name, shape.data, value, error, ratio,
        relative(difference) <= tolerance ? "ok" : "FAILED"};
    table_add_row(table, cells);
    text_free(&shape);
}

static bool report(
    const VerifyOptions *options, const Graph *oracle, const Difference *differences) {
    static const TableColumn columns[] = {{"tensor", ALIGN_LEFT}, {"shape", ALIGN_LEFT},
        {"largest |value|", ALIGN_RIGHT}, {"largest difference", ALIGN_RIGHT},
        {"relative", ALIGN_RIGHT}, {"", ALIGN_LEFT}};
    Table table = table_create(columns, 6);
    int failures = 0;
    for (int i = 0; i < oracle->output_count; i++) {
        add_difference(&table, &differences[i], options->tolerance);
        failures += !(relative(&differences[i]) <= options->tolerance);
    }
    Text text = {0};
    table_print(&table, &text);
    fputs(text.data, stdout);
    text_free(&text);
    table_free(&table);
    int64_t runs = options->count + (options->input_count > 0);
    printf("%d of %d tensors within %g on %lld input%s\n", oracle->output_count - failures,
        oracle->output_count, options->tolerance, (long long)runs, runs == 1 ? "" : "s");
    if (failures > 0)
        diagnostics_error(options->session->diagnostics,
            options->layers ? NULL : "--layers shows where the difference begins",
            "compiled code differs from the interpreter by more than the tolerance %g",
            options->tolerance);
    return failures == 0;
}

/* ---- the command ---- */

static bool verify_loaded(const VerifyOptions *options, const Graph *oracle, const Graph *compiled,
    int64_t workspace_bytes, const LoadedModel *loaded, riffle_pool *pool) {
    Session *session = options->session;
    Tensors actual = {0}, expected = {0};
    Difference *differences = ARENA_ARRAY(session->arena, Difference, oracle->output_count);
    bool done = tensors_create(compiled, workspace_bytes, session, &actual) &&
                tensors_create(oracle, 0, session, &expected) &&
                compare_runs(options, oracle, &actual, &expected, loaded, pool, differences) &&
                report(options, oracle, differences);
    tensors_free(&actual);
    tensors_free(&expected);
    return done;
}

static bool verify(const VerifyOptions *options, CompiledModel *compiled) {
    Session *session = options->session;
    if (!model_compile(&options->model, !options->exact, compiled))
        return false;
    const Graph *oracle = compiled->as_written, *graph = compiled->model.graph;
    if (options->model.precision != PRECISION_FP32)
        oracle = graph;
    if (options->layers) {
        oracle = graph = expose_layers(graph, session->arena);
        program_destroy(compiled->program);
        compiled->program = model_lower(&options->model, graph, compiled->target, compiled->tuning);
        if (compiled->program == NULL)
            return false;
    }
    if (options->exact)
        return verify_exact(&options->model, graph, compiled, options->count, options->seed);
    LoadedModel *loaded = jit_load(compiled->program, session->diagnostics);
    if (loaded == NULL)
        return false;
    riffle_pool *pool;
    bool done = model_pool(&options->model, options->threads, &pool) &&
                verify_loaded(options, oracle, graph,
                    program_summary(compiled->program).workspace_bytes, loaded, pool);
    riffle_pool_destroy(pool);
    jit_unload(loaded);
    if (!weights_check(compiled->model.weight_file, session->diagnostics))
        return false;
    if (done && options->evaluated.count > 0)
        done = precision_compare(options->model.precision, compiled->as_written,
            compiled->model.graph, &options->evaluated,
            options->tolerance_given ? options->tolerance
                                     : precision_tolerance(options->model.precision),
            session);
    return done;
}

/* Nothing that --exact has no use for. */
static bool check_exact_options(const VerifyOptions *options) {
    const char *option = options->input_count > 0                ? "--input"
                         : options->tolerance_given              ? "--tolerance"
                         : options->evaluated.count > 0          ? "--evaluate"
                         : options->threads != 1                 ? "--threads"
                         : options->model.runner.command != NULL ? "--runner"
                                                                 : NULL;
    if (!options->exact || option == NULL)
        return true;
    diagnostics_error(options->session->diagnostics,
        "no code is made and run for a proof: --exact interprets the kernels, with numbers that it "
        "draws itself",
        "%s does not go with --exact", option);
    return false;
}

int command_verify(int argc, char **argv) {
    Session session = session_begin();
    VerifyOptions options = {
        .session = &session, .count = 3, .seed = 1, .threads = 1, .tolerance = 1e-4};
    options.model = model_options(&session, "native");
    if (!command_line_parse(&argp, argc, argv, &options, &session))
        return session_finish(&session, EXIT_USAGE);
    if (!check_exact_options(&options))
        return session_finish(&session, EXIT_USAGE);
    options.model.runner.threads = (int)options.threads;
    if (options.model.precision != PRECISION_FP32 && !options.tolerance_given)
        options.tolerance = 0.02;
    if (options.evaluated.count > 0 && options.model.precision == PRECISION_FP32)
        diagnostics_error(session.diagnostics, "add --precision int8, bf16 or fp16",
            "--evaluate compares a reduced precision with fp32");
    if (options.input_count > 0 && !options.count_given)
        options.count = 0;
    if (options.input_count == 0 && options.count == 0) {
        diagnostics_error(session.diagnostics, "give --input FILE, or a --count of at least 1",
            "there is no input to compare on");
        return session_finish(&session, EXIT_USAGE);
    }
    if (options.model.weights_file == NULL && !options.model.random_weights)
        options.model.random_weights = true;
    CompiledModel compiled = {0};
    bool done = verify(&options, &compiled);
    compiled_model_close(&compiled);
    return session_finish(&session, done ? EXIT_DONE : EXIT_FAILED);
}
