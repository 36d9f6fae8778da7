#include "driver/model.h"
#include "driver/precision.h"
#include "driver/precision_map.h"

#include "backends/backends.h"
#include "backends/schedule/tuning_text.h"
#include "ir/clock.h"
#include "ir/ending.h"
#include "ir/names.h"
#include "ir/progress.h"
#include "ir/quote.h"
#include "ir/source_file.h"
#include "passes/rules/rules.h"

#include <string.h>

enum { LARGEST_IR_TEXT = 1 << 28 };

static Graph *read_graph_text(const ModelOptions *options, Model *model) {
    Session *session = options->session;
    if (options->setting_count > 0) {
        diagnostics_error(session->diagnostics, "the graph IR has no parameters any more",
            "--set cannot be used with '%s'", options->spec);
        return NULL;
    }
    static const WantedFile wanted = {"a graph in textual IR", {FILE_KIND_IR}};
    SourceFile *file = source_file_read_text(
        options->spec, LARGEST_IR_TEXT, &wanted, session->arena, session->diagnostics);
    model->ir_text = file;
    return file == NULL ? NULL : graph_parse(file, session->arena, session->diagnostics);
}

/* Rewrites of the spec and of what it imports are passes for its pipeline. */
static bool take_rules(const ModelOptions *options, const Spec *spec) {
    Session *session = options->session;
    RuleList rules = {0};
    return spec_rules(spec, &rules, session->arena, session->diagnostics) &&
           rules_add(options->registry, &rules, session->arena, session->diagnostics);
}

static Graph *read_spec(const ModelOptions *options) {
    Session *session = options->session;
    Spec *spec = spec_read(options->spec, session->arena, session->diagnostics);
    if (spec == NULL)
        return NULL;
    Graph *graph = spec_elaborate(
        spec, options->settings, options->setting_count, session->arena, session->diagnostics);
    return graph != NULL && take_rules(options, spec) ? graph : NULL;
}

static bool read_network(const ModelOptions *options, Model *model) {
    Session *session = options->session;
    if (options->name != NULL && !is_identifier(options->name)) {
        diagnostics_error(session->diagnostics,
            "give letters, digits and underscores, a letter first",
            "'%s' cannot be the name of a library: it is no C identifier", options->name);
        return false;
    }
    bool is_ir = ends_with(options->spec, ".rir") ||
                 (options->stdin_is_ir && strcmp(options->spec, "-") == 0);
    model->graph = is_ir ? read_graph_text(options, model) : read_spec(options);
    if (model->graph == NULL)
        return false;
    if (options->name != NULL)
        model->graph->name = arena_copy_string(model->graph->arena, options->name);
    if (options->name_ending != NULL)
        model->graph->name =
            arena_format(model->graph->arena, "%s_%s", model->graph->name, options->name_ending);
    ending_set_work(arena_format(
        session->arena, "the network '%s'", quote_copy(session->arena, model->graph->name)));
    return true;
}

bool model_read(const ModelOptions *options, Model *model) {
    int work = progress_begin("reading the network", 0);
    bool done = read_network(options, model);
    progress_end(work);
    return done;
}

static bool load_weights(const ModelOptions *options, Model *model) {
    Session *session = options->session;
    if (!graph_within_limits(model->graph, session->diagnostics))
        return false;
    if (options->random_weights) {
        weights_randomize(model->graph, (uint64_t)options->seed);
        return true;
    }
    if (options->weights_file == NULL) {
        if (model->graph->first_weight == NULL)
            return true;
        diagnostics_error(session->diagnostics,
            "give --weights FILE, or --random-weights SEED to try the network without",
            "network '%s' has weights, and none were given", model->graph->name);
        return false;
    }
    model->weight_file = weights_load(model->graph, options->weights_file, options->weights_prefix,
        options->weights_names, session->diagnostics);
    return model->weight_file != NULL;
}

bool model_load_weights(const ModelOptions *options, Model *model) {
    int work = progress_begin("loading weights", 0);
    bool done = load_weights(options, model);
    progress_end(work);
    return done;
}

static const char *float_pipeline(const ModelOptions *options) {
    const char *pipeline =
        options->pipeline != NULL
            ? pipeline_write_out(options->pipeline, options->registry, options->session->arena)
            : pipeline_preset((int)options->level);
    return layout_form_pipeline(
        options->layout, pipeline, options->registry, options->session->arena);
}

const char *model_pipeline(const ModelOptions *options) {
    const char *pipeline = float_pipeline(options), *pass = precision_pass(options);
    return pass == NULL ? pipeline
                        : arena_format(options->session->arena, "%s%s%s," PRECISION_CLEANUP,
                              pipeline, pipeline[0] == '\0' ? "" : ",", pass);
}

bool model_run_float_passes(const ModelOptions *options, Model *model) {
    PipelineOptions pipeline = {.registry = options->registry, .verify_each = options->verify_each};
    return pipeline_run(
        model->graph, float_pipeline(options), &pipeline, options->session->diagnostics);
}

static bool run_passes(const ModelOptions *options, Model *model) {
    const NameMap *kept = NULL;
    if (options->precision_map != NULL) {
        PrecisionMap map;
        if (!precision_map_read(options, model->graph, &map))
            return false;
        kept = map.kept;
    }
    return model_run_float_passes(options, model) && precision_apply(options, kept, model->graph);
}

bool model_run_passes(const ModelOptions *options, Model *model) {
    int work = progress_begin("running passes", 0);
    bool done = run_passes(options, model);
    progress_end(work);
    return done;
}

void model_close(Model *model) {
    weights_close(model->weight_file);
    *model = (Model){0};
}

static LowerOptions lower_options(const ModelOptions *options) {
    return (LowerOptions){.copy_layout = layout_form_info(options->layout)->copies,
        .chains = options->chains,
        .winograd = options->winograd};
}

const Runner *model_runner(const ModelOptions *options) {
    return options->runner.command == NULL ? NULL : &options->runner;
}

bool model_pool(const ModelOptions *options, int64_t threads, riffle_pool **pool) {
    *pool = NULL;
    if (threads == 1 || model_runner(options) != NULL)
        return true;
    *pool = riffle_pool_create((int)threads);
    if (*pool == NULL)
        diagnostics_error(
            options->session->diagnostics, NULL, "cannot start %lld threads", (long long)threads);
    return *pool != NULL;
}

/* Who makes the code, and who runs it. */
static void set_making(const ModelOptions *options, Program *program) {
    program_set_backend(program, options->backend, options->c_compiler);
    program_set_runner(program, model_runner(options));
}

Program *model_lower(
    const ModelOptions *options, const Graph *graph, const Target *target, Tuning *tuning) {
    Session *session = options->session;
    const Compilation compilation = {.target = target,
        .tuning = tuning,
        .weight_block = options->shares_weights ? shared_weight_block(graph, target) : 0,
        .options = lower_options(options)};
    Program *program = program_lower(graph, &compilation, session->arena, session->diagnostics);
    if (program != NULL)
        set_making(options, program);
    return program;
}

Program *model_lower_level(
    const ModelOptions *options, const Graph *graph, const TargetLevels *levels, int level) {
    LowerOptions lower = lower_options(options);
    return program_lower_level(
        graph, levels, level, &lower, options->session->arena, options->session->diagnostics);
}

bool backend_available(const ModelOptions *options) {
    return options->backend == BACKEND_C || require_llvm(options->session);
}

const TargetLevels *model_levels(const ModelOptions *options) {
    return target_levels_find(options->processor != NULL ? options->processor : options->target);
}

const Target *model_target(const ModelOptions *options) {
    Session *session = options->session;
    return target_find_processor(
        options->target, options->processor, session->arena, session->diagnostics);
}

bool model_tuning(const ModelOptions *options, const Target *target, Tuning **tuning) {
    Session *session = options->session;
    *tuning = NULL;
    if (options->tuning_file != NULL)
        *tuning = tuning_read(options->tuning_file, target, session->arena, session->diagnostics);
    return options->tuning_file == NULL || *tuning != NULL;
}

/* For one target, or for several: then it goes on with the level that runs here. */
static Program *lower_compiled(const ModelOptions *options, CompiledModel *compiled) {
    Session *session = options->session;
    const Graph *graph = compiled->model.graph;
    if (compiled->levels == NULL)
        return model_lower(options, graph, compiled->target, compiled->tuning);
    if (options->backend == BACKEND_C) {
        diagnostics_error(session->diagnostics,
            arena_format(session->arena, "leave out --backend c, or give one of them: --%s %s",
                options->processor != NULL ? "cpu" : "target",
                target_levels_example(compiled->levels)),
            "'%s' asks the processor, which only LLVM's code can", compiled->levels->name);
        return NULL;
    }
    LowerOptions lower = lower_options(options);
    Program *program =
        program_lower_levels(graph, compiled->levels, &lower, session->arena, session->diagnostics);
    if (program != NULL) {
        set_making(options, program);
        compiled->target = program_target(program);
    }
    return program;
}

/* Options that only code for a processor has. */
static bool check_gpu_options(const ModelOptions *options, bool for_this_machine) {
    Session *session = options->session;
    bool from_c = options->backend == BACKEND_C && backend_default() != BACKEND_C;
    const char *option = from_c                                      ? "--backend c"
                         : options->c_compiler != NULL               ? "--cc"
                         : options->tuning_file != NULL              ? "--tuning"
                         : options->chains != CHAINS_BY_COST         ? "--chains"
                         : options->winograd != WINOGRAD_BY_COST     ? "--winograd"
                         : layout_form_info(options->layout)->copies ? "--layout as-written"
                                                                     : NULL;
    if (for_this_machine)
        diagnostics_error(session->diagnostics,
            "`riffle compile` makes a library of it, which your program runs",
            "'%s' is a GPU: riffle runs code for processors only", options->target);
    else if (option != NULL)
        diagnostics_error(session->diagnostics, NULL, "%s is not for a GPU", option);
    return !for_this_machine && option == NULL;
}

/* Here, or by the runner. */
static bool check_runs(const ModelOptions *options, const Target *target) {
    Diagnostics *diagnostics = options->session->diagnostics;
    if (options->runner.command != NULL && !require_llvm(options->session))
        return false;
    if (options->runner.command == NULL && !target_runs_here(target))
        diagnostics_error(diagnostics,
            "'--target native' always runs here, and --runner runs code elsewhere",
            "code for '%s' does not run on this machine", options->target);
    else if (options->runner.command != NULL && options->backend == BACKEND_C)
        diagnostics_error(
            diagnostics, "leave out --backend c", "--runner runs machine code that LLVM made");
    else if (options->runner.command != NULL && !runner_takes_target(target))
        diagnostics_error(diagnostics,
            "it runs code for Linux and Android on 64-bit and 32-bit ARM and x86-64",
            "--runner cannot run code for '%s'", options->target);
    else
        return true;
    return false;
}

/* All levels must have code for the precision, as far as is known before the graph is read. */
static bool find_levels(const ModelOptions *options, const TargetLevels *levels,
    bool for_this_machine, CompiledModel *compiled) {
    Session *session = options->session;
    if (options->processor != NULL)
        levels = target_levels_on(levels, options->target, session->arena, session->diagnostics);
    compiled->levels = levels;
    return levels != NULL && precision_has_levels(options, levels) &&
           (!for_this_machine || check_runs(options, target_levels_base(levels, session->arena,
                                                         session->diagnostics)));
}

static bool find_target(
    const ModelOptions *options, bool for_this_machine, CompiledModel *compiled) {
    Session *session = options->session;
    if (for_this_machine && !backend_available(options))
        return false;
    const TargetLevels *levels = options->tuning_file == NULL ? model_levels(options) : NULL;
    if (levels != NULL)
        return find_levels(options, levels, for_this_machine, compiled);
    compiled->target = model_target(options);
    if (compiled->target == NULL || !model_tuning(options, compiled->target, &compiled->tuning) ||
        !precision_has_target(options, compiled->target))
        return false;
    if (compiled->target->gpu != NULL)
        return check_gpu_options(options, for_this_machine);
    if (compiled->target->architecture == ARCHITECTURE_ANY && options->backend != BACKEND_C) {
        diagnostics_error(session->diagnostics, "give --backend c, or a processor",
            "for '%s' there is C source only", options->target);
        return false;
    }
    return !for_this_machine || check_runs(options, compiled->target);
}

typedef bool ModelPhase(const ModelOptions *options, CompiledModel *compiled);

static bool read_phase(const ModelOptions *options, CompiledModel *compiled) {
    return model_read(options, &compiled->model);
}

static bool weights_phase(const ModelOptions *options, CompiledModel *compiled) {
    if (!model_load_weights(options, &compiled->model))
        return false;
    compiled->as_written = graph_copy(compiled->model.graph, options->session->arena);
    return true;
}

static bool passes_phase(const ModelOptions *options, CompiledModel *compiled) {
    return model_run_passes(options, &compiled->model);
}

static bool lower_phase(const ModelOptions *options, CompiledModel *compiled) {
    int work = progress_begin("making kernels", 0);
    compiled->program = lower_compiled(options, compiled);
    progress_end(work);
    return compiled->program != NULL;
}

static bool do_phase(
    ModelPhase *phase, const ModelOptions *options, CompiledModel *compiled, double *seconds) {
    double start = seconds_now();
    bool done = phase(options, compiled);
    *seconds = seconds_now() - start;
    return done;
}

bool model_compile(const ModelOptions *options, bool for_this_machine, CompiledModel *compiled) {
    Session *session = options->session;
    if (!find_target(options, for_this_machine, compiled))
        return false;
    if (!do_phase(read_phase, options, compiled, &compiled->read_seconds) ||
        !do_phase(weights_phase, options, compiled, &compiled->weights_seconds) ||
        !do_phase(passes_phase, options, compiled, &compiled->passes_seconds))
        return false;
    do_phase(lower_phase, options, compiled, &compiled->lower_seconds);
    if (compiled->program != NULL && options->tuning_file != NULL)
        tuning_report_unused(compiled->tuning, session->diagnostics);
    return compiled->program != NULL &&
           weights_check(compiled->model.weight_file, session->diagnostics);
}

void compiled_model_close(CompiledModel *compiled) {
    program_destroy(compiled->program);
    model_close(&compiled->model);
    *compiled = (CompiledModel){0};
}

int64_t graph_macs(const Graph *graph) {
    int64_t macs = 0;
    for (const Node *node = graph->first; node != NULL; node = node->next)
        macs += node_macs(node);
    return macs;
}
