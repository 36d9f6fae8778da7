/* One run of the pipeline of `riffle opt`, with what is printed and checked on the way. */
#include "driver/opt.h"
#include "driver/progress.h"
#include "ir/name_map.h"
#include "ir/progress.h"
#include "ir/write_files.h"

#include <math.h>
#include <string.h>

static Diagnostics *diagnostics_of(const OptRun *run) {
    return run->opt->model.session->diagnostics;
}

static size_t step_index(const OptRun *run, const PipelineStep *step) {
    return (size_t)(step - run->pipeline->steps);
}

static void write_error_stream(Text *text) {
    progress_hide();
    fwrite(text->data, 1, text->length, stderr);
    text_free(text);
}

static void print_graph(const char *when, const PipelineStep *step, const Graph *graph) {
    Text text = {0};
    text_format(&text, "# %s ", when);
    pipeline_step_name(step, &text);
    text_append(&text, "\n");
    graph_print(graph, &text);
    write_error_stream(&text);
}

/* ---- hooks ---- */

static void forget_before(OptRun *run) {
    if (run->before_arena != NULL)
        arena_destroy(run->before_arena);
    run->before_arena = NULL;
    run->before = NULL;
}

static bool first_answers(OptRun *run, const Graph *graph, Diagnostics *diagnostics) {
    run->answers_arena = arena_create();
    run->answers =
        graph_answers(graph, (uint64_t)run->opt->check_seed, run->answers_arena, diagnostics);
    return run->answers != NULL;
}

static bool before_step(
    void *context, const PipelineStep *step, const Graph *graph, Diagnostics *diagnostics) {
    OptRun *run = context;
    size_t index = step_index(run, step);
    if (run->steps[index].print_before)
        print_graph("before", step, graph);
    if (run->steps[index].draw)
        run->drawn_before = graph_copy(graph, run->opt->model.session->arena);
    run->before_arena = arena_create();
    run->before = graph_copy(graph, run->before_arena);
    bool compares = run->opt->check_each && run->proof == NULL;
    if (compares && run->answers == NULL && !first_answers(run, graph, diagnostics))
        return false;
    run->remarks = name_map_create(run->before_arena);
    run->progress->rewrites = 0;
    run->progress->running = (int)index;
    opt_start_clock(run);
    return true;
}

static bool after_step(
    void *context, const PipelineStep *step, const Graph *graph, Diagnostics *diagnostics) {
    OptRun *run = context;
    if (run->steps[step_index(run, step)].print_after)
        print_graph("after", step, graph);
    if (run->opt->print_changed != CHANGED_NOT)
        opt_print_changed(run, step, graph);
    if (run->steps[step_index(run, step)].draw)
        run->drawn_after = graph_copy(graph, run->opt->model.session->arena);
    if (run->opt->check_each && !opt_check_step(run, step, graph, diagnostics))
        return false;
    run->progress->running = -1;
    forget_before(run);
    return true;
}

static void before_rewrite(void *context, const PassContext *pass, const Node *node) {
    OptRun *run = context;
    run->progress->rewrites = pass->rewrites;
    if (!run->opt->print_rewrites)
        return;
    Text text = {0};
    pipeline_step_name(pass->step, &text);
    text_format(&text, ": rewrite %lld:", (long long)pass->rewrites);
    if (node != NULL)
        node_print(pass->graph, node, &text);
    else
        text_append(&text, " at no node\n");
    write_error_stream(&text);
}

/* ---- the run ---- */

static bool run_pipeline(OptRun *run) {
    const OptOptions *opt = run->opt;
    size_t count = run->pipeline->count;
    PipelineOptions options = {
        .verify_each = opt->model.verify_each || opt->check_each,
        .reports = ARENA_ARRAY(opt->model.session->arena, PassReport, count + 1),
        .report_capacity = (int)count,
        .before = before_step,
        .after = after_step,
        .rewriting = before_rewrite,
        .missed = opt->remarks ? opt_remark : NULL,
        .context = run,
    };
    int work = progress_begin("running passes", 0);
    bool succeeded =
        pipeline_execute(run->pipeline, run->model.graph, &options, diagnostics_of(run));
    progress_end(work);
    opt_stop_clock();
    opt_report(run, &options);
    if (!succeeded)
        opt_reproducer_write(run, run->before, step_index(run, options.failed_step));
    forget_before(run);
    if (run->answers_arena != NULL)
        arena_destroy(run->answers_arena);
    run->answers_arena = NULL;
    run->progress->running = -1;
    return succeeded;
}

static bool check_difference(const OptRun *run) {
    Diagnostics *diagnostics = diagnostics_of(run);
    const Graph *graph = run->model.graph;
    if (!graph_same_interface(run->original, graph)) {
        diagnostics_error(diagnostics, "--check-each names the pass",
            "the pipeline changed the inputs or outputs of the graph");
        return false;
    }
    size_t errors_before = diagnostics_error_count(diagnostics);
    double difference =
        graph_difference(run->original, graph, (uint64_t)run->opt->check_seed, diagnostics);
    if (diagnostics_error_count(diagnostics) > errors_before)
        return false;
    fprintf(stderr, "largest difference: %.3g of the largest output\n", difference);
    if (answers_agree(difference))
        return true;
    diagnostics_error(diagnostics, "--check-each names the pass, --bisect the rewrite",
        "the graph computes something else after the pipeline");
    return false;
}

bool opt_write_graph(const OptRun *run, const char *path, const Graph *graph) {
    Text text = {0};
    graph_print(graph, &text);
    bool to_stdout = path == NULL || strcmp(path, "-") == 0;
    bool written = write_or_print(&text, to_stdout ? NULL : path, run->opt->model.session);
    text_free(&text);
    return written;
}

bool opt_run(OptRun *run) {
    run->progress->running = -1;
    if (!run_pipeline(run) || !weights_check(run->model.weight_file, diagnostics_of(run)))
        return false;
    if (!graph_verify(run->model.graph, diagnostics_of(run))) {
        diagnostics_error(diagnostics_of(run), "--verify-each names the pass",
            "the graph is faulty after the pipeline");
        opt_reproducer_write(run, run->original, 0);
        return false;
    }
    if (run->opt->check && !check_difference(run)) {
        opt_reproducer_write(run, run->original, 0);
        return false;
    }
    if (!opt_draw(run))
        return false;
    bool draws_alone = opt_draws(run->opt) && run->opt->output == NULL;
    return draws_alone || opt_write_graph(run, run->opt->output, run->model.graph);
}

int opt_finish(OptRun *run, int status) {
    model_close(&run->model);
    return session_finish(run->opt->model.session, status);
}

void opt_discard(OptRun *run) {
    model_close(&run->model);
    session_discard(run->opt->model.session);
}
