#include "driver/reduce.h"

#include "driver/graph_command.h"
#include "driver/opt.h"
#include "driver/shell_word.h"
#include "driver/table.h"
#include "ir/progress.h"
#include "ir/write_files.h"
#include "passes/reducer.h"

#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct GraphSize {
    int nodes;
    int64_t elements; /* of inputs, results and weights */
} GraphSize;

typedef struct ReduceRun {
    Session *session;
    const SourceFile *ir_text; /* NULL for a spec */
    GraphCommand command;
    const HeldSignals *signals;
    bool failed; /* the test could not be run; it was reported */
    int attempts;
    GraphSize best;
} ReduceRun;

static GraphSize size_of(const Graph *graph) {
    GraphSize size = {.nodes = graph_node_count(graph)};
    for (int i = 0; i < graph->input_count; i++)
        size.elements += tensor_elements(&graph->inputs[i].value->type);
    for (const Node *node = graph->first; node != NULL; node = node->next)
        for (int i = 0; i < node->result_count; i++)
            size.elements += tensor_elements(&node->results[i]->type);
    for (const Weight *weight = graph->first_weight; weight != NULL; weight = weight->next)
        size.elements += tensor_elements(&weight->type);
    return size;
}

/* "1 node with 2 elements" */
static const char *size_text(GraphSize size, Arena *arena) {
    char nodes[32], elements[32];
    return arena_format(arena, "%s node%s with %s element%s", grouped_number(size.nodes, nodes),
        size.nodes == 1 ? "" : "s", grouped_number(size.elements, elements),
        size.elements == 1 ? "" : "s");
}

/* ---- the test ---- */

/* A file here needs no './' before it, nor quotes. */
static const char *command_line_of(const char *test, Arena *arena) {
    struct stat status;
    if (stat(test, &status) != 0 || !S_ISREG(status.st_mode))
        return test;
    Text line = {0};
    shell_word_append(&line, strchr(test, '/') != NULL ? test : arena_format(arena, "./%s", test));
    const char *copy = arena_copy_string(arena, line.data);
    text_free(&line);
    return copy;
}

static void report_impossible(const ReduceRun *run, const GraphCommandEnd *end) {
    int status = graph_command_status(end);
    diagnostics_error(run->session->diagnostics,
        status == 126 ? "'chmod +x' makes a script a program"
                      : "it is run by the shell as: SCRIPT FILE.rir",
        "the test '%s', or what it runs, %s (exit status %d)", run->command.line,
        status == 126 ? "may not be run" : "is not there", status);
}

static GraphCommandEnd test_graph(ReduceRun *run, const Graph *graph, const char *pipeline) {
    Text text = {0};
    opt_reproducer_print_head(run->ir_text, pipeline, &text);
    graph_print(graph, &text);
    GraphCommandEnd end = graph_command_run(&run->command, &text, run->signals, run->session);
    text_free(&text);
    run->attempts++;
    if (end.ran && graph_command_is_impossible(&end)) {
        report_impossible(run, &end);
        end.ran = false;
    }
    return end;
}

static void report_no(const ReduceRun *run, const GraphCommandEnd *end) {
    Session *session = run->session;
    if (end->late)
        diagnostics_error(session->diagnostics, "--timeout=SECONDS gives it more",
            "the test took longer than %lld s for the graph as it is",
            (long long)run->command.seconds);
    else if (WIFSIGNALED(end->status))
        diagnostics_error(session->diagnostics, NULL,
            "the test was ended for the graph as it is: %s", strsignal(WTERMSIG(end->status)));
    else
        diagnostics_error(session->diagnostics, "exit status 0 says that a graph is of interest",
            "the test says no to the graph as it is (exit status %d)", WEXITSTATUS(end->status));
}

/* The first graph is of interest; what the test prints of it is shown. */
static bool begins_well(ReduceRun *run, const Graph *graph, const char *pipeline) {
    GraphCommandEnd end = test_graph(run, graph, pipeline);
    if (end.ran && graph_command_status(&end) != 0)
        report_no(run, &end);
    run->command.silent = true;
    run->best = size_of(graph);
    return end.ran && graph_command_status(&end) == 0;
}

static void tell_progress(const ReduceRun *run) {
    Arena *arena = arena_create();
    progress_set(run->attempts);
    progress_detail(size_text(run->best, arena));
    arena_destroy(arena);
}

static ReducerVerdict is_still_of_interest(void *context, Graph *graph, const char *pipeline) {
    ReduceRun *run = context;
    GraphCommandEnd end = test_graph(run, graph, pipeline);
    bool yes = end.ran && graph_command_status(&end) == 0;
    if (yes)
        run->best = size_of(graph);
    tell_progress(run);
    run->failed = !end.ran && !signals_came(run->signals);
    return yes ? VERDICT_YES : end.ran ? VERDICT_NO : VERDICT_STOP;
}

/* ---- the result ---- */

static bool write_result(
    const ReduceOptions *options, const ReduceRun *run, const ReducedGraph *reduced) {
    Text text = {0};
    opt_reproducer_print_head(run->ir_text, reduced->pipeline, &text);
    graph_print(reduced->graph, &text);
    bool written = write_or_print(&text, options->output, run->session);
    text_free(&text);
    return written;
}

static void note_result(
    const ReduceRun *run, GraphSize before, const ReducedGraph *reduced, int came) {
    char attempts[32];
    const char *hint = reduced->finished || run->failed ? NULL
                       : came != 0 ? "it was interrupted: there may be smaller ones"
                                   : "--attempts allows more: there may be smaller ones";
    diagnostics_report(run->session->diagnostics, SEVERITY_NOTE, (SourceRange){0}, hint,
        "%s attempt%s made %s of %s", grouped_number(run->attempts, attempts),
        run->attempts == 1 ? "" : "s", size_text(size_of(reduced->graph), run->session->arena),
        size_text(before, run->session->arena));
}

bool reduce_model(
    const ReduceOptions *options, const Model *model, const HeldSignals *signals, int *came) {
    Session *session = options->model.session;
    ReduceRun run = {.session = session,
        .ir_text = model->ir_text,
        .command = {.line = command_line_of(options->test, session->arena),
            .purpose = "reduce",
            .seconds = options->seconds},
        .signals = signals};
    const char *pipeline = opt_reproducer_pipeline(model->ir_text, session->arena);
    if (!begins_well(&run, model->graph, pipeline))
        return false;
    GraphSize before = run.best;
    int work = progress_begin("reducing, attempt", 0);
    ReducedGraph reduced = graph_reduce(
        model->graph, pipeline, is_still_of_interest, &run, (int)options->attempts, session->arena);
    progress_end(work);
    *came = signals_take(signals);
    bool written = write_result(options, &run, &reduced);
    if (written)
        note_result(&run, before, &reduced, *came);
    return written && !run.failed;
}
